import type { BlobReader } from '../blob/blob-store.ts';

/** The content of a file, read from start to end. */
export interface FileReader {
  /** Fills the buffer; returns the bytes read, 0 at the end. */
  read(buffer: Uint8Array): number;
  close(): void;
}

/** A part of an unpacked layer as a file; closing it leaves the layer open. */
export function rangeReader(layer: BlobReader, part: { readonly offset: number; readonly size: number }): FileReader {
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
