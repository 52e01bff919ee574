import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { digestHex } from '../../src/spec/digest.ts';
import { LayerIndexStore } from '../../src/layer/layer-index-store.ts';
import { indexed, layerTar } from './layer-dsl.ts';

/** Counts how often a layer is read. */
class CountingStore extends MemoryBlobStore {
  opened = 0;

  override open(...args: Parameters<MemoryBlobStore['open']>): AsyncIterable<Uint8Array> {
    this.opened++;
    return super.open(...args);
  }
}

const layer = layerTar('dir etc\nfile etc/a hello');
let directory: string;
let blobs: CountingStore;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'index-store-')), 'indexes');
  blobs = new CountingStore();
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

it('makes an index once and keeps it', async () => {
  const { digest } = await blobs.put(layer);
  const index = await new LayerIndexStore(directory, blobs).get(digest);
  expect(index.get('etc/a')?.size).toBe(5);
  expect(readdirSync(join(directory, 'sha256'))).toEqual([digestHex(digest)]);
  const again = await new LayerIndexStore(directory, blobs).get(digest);
  expect([...again.entries()]).toEqual([...index.entries()]);
  expect(blobs.opened).toBe(1);
});

it('reads a layer once for callers at the same time', async () => {
  const { digest } = await blobs.put(layer);
  const store = new LayerIndexStore(directory, blobs);
  const [first, second] = await Promise.all([store.get(digest), store.get(digest)]);
  expect(first).toBe(second);
  expect(blobs.opened).toBe(1);
});

it('keeps what it is given', async () => {
  const { digest } = await blobs.put(layer);
  const { index } = await indexed('dir etc\nfile etc/a hello');
  await new LayerIndexStore(directory, blobs).put(digest, index);
  expect((await new LayerIndexStore(directory, blobs).get(digest)).length).toBe(2);
  expect(blobs.opened).toBe(0);
});

it.each([
  ['empty', () => Buffer.alloc(0)],
  ['cut', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['damaged', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 40), Buffer.from([0xff]), bytes.subarray(41)])],
])('makes an index anew when the kept one is %s', async (_, damage) => {
  const { digest } = await blobs.put(layer);
  const path = join(directory, 'sha256', digestHex(digest));
  await new LayerIndexStore(directory, blobs).get(digest);
  const whole = readFileSync(path);
  writeFileSync(path, damage(whole));
  expect((await new LayerIndexStore(directory, blobs).get(digest)).get('etc/a')?.size).toBe(5);
  expect(readFileSync(path).equals(whole)).toBe(true);
  expect(blobs.opened).toBe(2);
});

it('serves from a folder that cannot be written, and says so to put', async () => {
  const { digest } = await blobs.put(layer);
  // Nobody, root included, makes folders there.
  const store = new LayerIndexStore('/sys/kernel/indexes', blobs);
  const index = await store.get(digest);
  expect(index.get('etc/a')?.size).toBe(5);
  await expect(store.put(digest, index)).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' });
});

it('tells what is wrong with a folder that is none', async () => {
  const { digest } = await blobs.put(layer);
  writeFileSync(directory, 'a file where the folder should be');
  await expect(new LayerIndexStore(join(directory, 'x'), blobs).get(digest)).rejects.toThrow(/ENOTDIR/);
});

it('fails for a layer that is not there, and for a blob that is none', async () => {
  const store = new LayerIndexStore(directory, blobs);
  await expect(store.get(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
  const { digest } = await blobs.put(Buffer.alloc(2000, 'not a layer '));
  await expect(store.get(digest)).rejects.toMatchObject({ code: 'TAR_INVALID' });
  expect(() => readdirSync(directory)).toThrow(/ENOENT/);
});
