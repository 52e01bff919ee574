import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256Digest } from '../../src/spec/digest.ts';
import { Layout } from '../../src/layout/layout.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { formatReference, parseReference } from '../../src/spec/reference.ts';
import { freshLayout, imageOf, layerTar, scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

let layout: Layout;
beforeEach(async () => {
  layout = await freshLayout(scratch);
});

const refs = (...names: readonly string[]) => names.map(parseReference);

describe('Layout.collect()', () => {
  it('deletes what no image needs, and keeps what it is told to', async () => {
    const shared = layerTar({ shared: 'x' });
    await layout.add(await imageOf(layout.blobs, 'a', [shared, layerTar({ a: 'a' })]), refs('a'));
    await layout.add(await imageOf(layout.blobs, 'b', [shared, layerTar({ b: 'b' })]), refs('b'));
    const cached = await layout.blobs.put(Buffer.from('cached layer'));
    const junk = await layout.blobs.put(Buffer.from('junk'));
    expect(await layout.collect([cached.digest])).toEqual({ deleted: [junk.digest], bytes: 4, heldBackBy: 0 });
    await layout.remove('a');
    const { deleted } = await layout.collect([]);
    expect(deleted).toHaveLength(4);
    expect(deleted).not.toContain(sha256Digest(shared));
    expect((await layout.resolve('b')).layers).toHaveLength(2);
  });

  it('keeps the images of nested indexes', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), []);
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MediaType.ociIndex,
        manifests: [image.manifest, { ...image.manifest, digest: sha256Digest('elsewhere') }],
      }),
    );
    const info = await layout.blobs.put(index);
    const entry = {
      mediaType: MediaType.ociIndex,
      ...info,
      annotations: { 'io.containerd.image.name': 'docker.io/library/multi:1' },
    };
    await writeFile(join(layout.root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    expect((await layout.collect([])).deleted).toEqual([]);
    expect((await layout.resolve('multi:1')).id).toBe(image.id);
    expect((await layout.images())[0]?.names.map(formatReference)).toEqual(['docker.io/library/multi:1']);
  });

  it('deletes nothing while a lease lives', async () => {
    const junk = await layout.blobs.put(Buffer.from('junk'));
    const [one, two] = [await layout.lease(), await layout.lease()];
    expect(await layout.collect([])).toEqual({ deleted: [], bytes: 0, heldBackBy: 2 });
    await one[Symbol.asyncDispose]();
    expect(await layout.collect([])).toMatchObject({ heldBackBy: 1 });
    await two[Symbol.asyncDispose]();
    expect((await layout.collect([])).deleted).toEqual([junk.digest]);
    expect(await readdir(join(layout.root, 'leases'))).toEqual([]);
  });

  it('deletes nothing when a manifest cannot be read', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), refs('a'));
    await writeFile(layout.blobs.path(image.manifest.digest), Buffer.alloc(image.manifest.size));
    await expect(layout.collect([])).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await layout.blobs.has(image.id)).toBeDefined();
  });

  it('removes the temporary files of crashed writers, and no others', async () => {
    const temporary = join(layout.root, 'tmp');
    const minutes = {
      '999999999-a': 120,
      [`${process.pid}-b`]: 2,
      '999999999-c': 0,
      '7-7-00000000-d': 120,
      '7-7-00000000-e': 30,
    };
    const nameOf = (key: string): string => `.blob.${key.slice(0, -1)}${key.slice(-1).repeat(16)}.tmp`;
    const names = [...Object.entries(minutes).map(([key, age]) => [nameOf(key), age] as const), ['mine', 120] as const];
    for (const [name, age] of names) {
      const old = new Date(Date.now() - age * 60_000);
      await writeFile(join(temporary, name), 'x');
      await utimes(join(temporary, name), old, old);
    }
    await layout.collect([]);
    // Of processes that cannot be seen from here, and of versions that gave the pid alone, what is an hour old.
    expect((await readdir(temporary)).toSorted()).toEqual(
      [nameOf(`${process.pid}-b`), nameOf('999999999-c'), nameOf('7-7-00000000-e'), 'mine'].toSorted(),
    );
  });

  it('lets readers and adders run at the same time', async () => {
    const reader = await Layout.open(layout.root);
    const done = new AbortController();
    const reading = (async () => {
      let reads = 0;
      for (; !done.signal.aborted; reads++) {
        for (const image of await reader.images()) expect(image.layers).toHaveLength(1);
        // Reading waits for nothing, and would let nobody else run.
        await setImmediate();
      }
      return reads;
    })();
    for (let i = 0; i < 8; i++) {
      const lease = await layout.lease();
      await layout.add(await imageOf(layout.blobs, `round-${i}`), refs('moving'));
      await lease[Symbol.asyncDispose]();
      await layout.remove((await layout.resolve('moving')).id);
      await layout.collect([]);
    }
    done.abort();
    expect(await reading).toBeGreaterThan(0);
  });
});
