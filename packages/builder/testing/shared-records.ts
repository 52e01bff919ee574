import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type Digest, encodeTarHeader, END_OF_ARCHIVE, MediaType, sha256Digest } from '@tsbuild/oci';
import type { RecordToPut, SharedBlob } from '../src/shared-cache/backend/cache-backend.ts';
import { encodeSharedRecord } from '../src/shared-cache/record/shared-record.ts';

/** A layer to share, and how often its bytes were asked for. */
export interface SampleBlob extends SharedBlob {
  readonly bytes: Uint8Array;
  readonly opened: () => number;
}

/** A layer with one file of so many bytes that nothing packs, the same for the same name. */
export function sampleBlob(name: string, size = 100): SampleBlob {
  const content = noise(name, size);
  const header = encodeTarHeader({
    path: `${name}.bin`,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: { seconds: 0, nanoseconds: 0 },
    linkPath: '',
    devMajor: 0,
    devMinor: 0,
  });
  const padding = Buffer.alloc((512 - (size % 512)) % 512);
  const tar = Buffer.concat([header, content, padding, END_OF_ARCHIVE]);
  const bytes = gzipSync(tar, { level: 1 });
  let count = 0;
  return {
    blob: { mediaType: MediaType.ociLayerGzip, digest: sha256Digest(bytes), size: bytes.length },
    diffID: sha256Digest(tar),
    bytes,
    open: () => {
      count++;
      return piecesOf(bytes);
    },
    opened: () => count,
  };
}

/** A record of a step with this name whose layer is `layer`; `ran` tells records of one key apart. */
export function sampleRecord(name: string, layer?: SharedBlob, ran = 1_700_000_000_000): RecordToPut {
  const key = sha256Digest(`key of ${name}`);
  const text = encodeSharedRecord({
    key,
    operation: layer === undefined ? 'base' : 'run',
    diffID: layer?.diffID ?? sha256Digest(name),
    size: 10_240,
    contentSize: 100,
    ...(layer !== undefined && { blob: layer.blob }),
    created: ran,
    milliseconds: 5,
  });
  return { key, text, blobs: layer === undefined ? [] : [layer] };
}

/** The digest of bytes, as streams of them come. */
export async function digestOfAll(source: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024);
}

function noise(name: string, size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(name).digest();
}
