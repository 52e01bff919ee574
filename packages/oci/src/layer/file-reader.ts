import type { BlobReader } from '../blob/blob-store.ts';
import type { SparseRegion } from '../tar/sparse.ts';

/** The content of a file, read from start to end. */
export interface FileReader {
  /** Fills the buffer; returns the bytes read, 0 at the end. */
  read(buffer: Uint8Array): number;
  close(): void;
}

/** Where the content of a file lies in an unpacked layer. */
export interface FilePlace {
  readonly offset: number;
  readonly size: number;
  /** Of a sparse file: its parts; the rest is zeros. */
  readonly sparse?: readonly SparseRegion[];
}

/** A file of an unpacked layer; closing it leaves the layer open. */
export function rangeReader(layer: Pick<BlobReader, 'read'>, part: FilePlace): FileReader {
  if (part.sparse !== undefined) return sparseReader(layer, part.size, part.sparse);
  let done = 0;
  return {
    read: (buffer) => {
      const length = layer.read(buffer.subarray(0, part.size - done), part.offset + done);
      done += length;
      return length;
    },
    close: () => {},
  };
}

function sparseReader(layer: Pick<BlobReader, 'read'>, size: number, regions: readonly SparseRegion[]): FileReader {
  let done = 0;
  let next = 0;
  return {
    read: (buffer) => {
      const region = regions[next];
      const start = region?.position ?? size;
      const end = region === undefined ? size : start + region.size;
      const want = buffer.subarray(0, (done < start ? start : end) - done);
      const length =
        done < start || region === undefined ? want.fill(0).length : layer.read(want, region.offset + done - start);
      done += length;
      if (done === end) next++;
      return length;
    },
    close: () => {},
  };
}
