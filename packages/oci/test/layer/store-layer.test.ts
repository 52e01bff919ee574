import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeHasher } from '../../src/blob/directory-writer.ts';
import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { verified } from '../../src/blob/verify.ts';
import { LayerIndexStore } from '../../src/layer/layer-index-store.ts';
import { storePackedLayer } from '../../src/layer/store-layer.ts';
import { sha256Digest } from '../../src/spec/digest.ts';
import { chunked } from '../../testing/make-tar.ts';
import { layerTar } from './layer-dsl.ts';

const plain = layerTar(`file a ${'content '.repeat(500)}\nfile b hello`);
const diffID = sha256Digest(plain);
let directory: string;
let blobs: MemoryBlobStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-layer-'));
  blobs = new MemoryBlobStore();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Stores `sent` where `meant` was to come, as a registry's client hands it on: checked at the end. */
async function store(sent: Uint8Array, meant: Uint8Array): Promise<string> {
  const source = verified(
    chunked(sent, 100),
    { digest: sha256Digest(meant), size: meant.length },
    nodeHasher('sha256'),
  );
  const indexes = new LayerIndexStore(directory, blobs);
  return storePackedLayer(source, blobs, indexes, { digest: diffID }).then(
    ({ digest }) => digest,
    (error: { code: string }) => error.code,
  );
}

function changedAt(bytes: Uint8Array, at: number): Uint8Array {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 0xff;
  return changed;
}

describe.each([
  ['plain', plain],
  ['compressed', gzipSync(plain)],
])('a %s layer', (_, packed) => {
  it('is stored uncompressed', async () => {
    expect(await store(packed, packed)).toBe(diffID);
    expect((await blobs.has(diffID))?.size).toBe(plain.length);
  });

  it('is blamed for its digest wherever a byte of it is another', async () => {
    for (let at = 0; at < packed.length; at += Math.max(1, Math.floor(packed.length / 40))) {
      expect(await store(changedAt(packed, at), packed), `byte ${at}`).toBe('BLOB_CORRUPT');
    }
    expect(await store(changedAt(packed, packed.length - 1), packed)).toBe('BLOB_CORRUPT');
    expect(await store(packed.subarray(0, -1), packed)).toBe('BLOB_CORRUPT');
    expect(await blobs.has(diffID)).toBeUndefined();
  });
});

it('tells what is wrong with a layer whose digest is right', async () => {
  const noTar = Buffer.alloc(2000, 'x');
  expect(await store(noTar, noTar)).toBe('TAR_INVALID');
});
