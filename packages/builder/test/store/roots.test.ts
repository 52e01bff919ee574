import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Descriptor, Digest } from '@tsbuild/oci';
import { Container } from '../../src/container-state/container.ts';
import { ContainerStore } from '../../src/container-state/container-store.ts';
import { removeTree } from '../../src/disk/remove-tree.ts';
import { keptBlobs } from '../../src/store/roots.ts';
import { pruneCache } from '../../src/store/store-cache.ts';
import { Store } from '../../src/store/store.ts';

let directory: string;
let store: Store;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tsbuild-roots-'));
  store = await Store.open(join(directory, 'store'));
});
afterEach(() => removeTree(directory));

const signal = new AbortController().signal;
const put = async (content: string): Promise<Digest> => (await store.layout.blobs.put(Buffer.from(content))).digest;
const described = async (content: string): Promise<Descriptor> => ({
  mediaType: 'x',
  ...(await store.layout.blobs.put(Buffer.from(content))),
});

/** A base image that a registry named, with one layer that was fetched. */
async function base(): Promise<readonly Digest[]> {
  const layer = await put('layer of a base');
  const rootfs = { type: 'layers', diff_ids: [layer] };
  const config = await described(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs }));
  const manifest = await described('manifest of a base');
  const image = { name: 'docker.io/library/base:1', platform: 'linux/amd64', digest: manifest.digest, resolved: 1 };
  await store.remotes.putImage({ ...image, manifest, config });
  return [layer, config.digest, manifest.digest];
}

/** What a container without its image's names needs. */
async function container(): Promise<readonly Digest[]> {
  const layer = await store.layout.blobs.put(Buffer.from('layer of a container'));
  const [id, manifest] = [await put('config of a container'), await put('manifest of a container')];
  const reserved = new ContainerStore(store.root).reserve('web');
  mkdirSync(join(reserved.directory, 'l'));
  await Container.write(reserved.directory, {
    version: 1,
    id: reserved.id,
    name: 'web',
    created: '2026-01-01T00:00:00Z',
    image: { id, manifest, name: 'x', layers: [layer], platform: 'linux/amd64' },
    config: {},
    argv: [],
    openStdin: false,
    terminal: false,
    hostname: '',
    network: 'none',
    ports: [],
    mounts: [],
    readOnly: false,
    isolation: 'auto',
    autoRemove: false,
  });
  return [id, manifest, layer.digest];
}

const held = async (): Promise<readonly Digest[]> => {
  const found: Digest[] = [];
  for await (const { digest } of store.layout.blobs.list()) found.push(digest);
  return found.toSorted();
};

describe('what keeps blobs from a collection', () => {
  it('is one list, whoever collects', async () => {
    const kept = [...(await base()), ...(await container())].toSorted();
    await put('junk');
    expect([...(await keptBlobs(store))].toSorted()).toEqual(kept);
    expect((await store.collect()).deleted).toHaveLength(1);
    expect(await held()).toEqual(kept);
    await put('junk');
    await pruneCache(store, { all: false }, signal);
    expect(await held()).toEqual(kept);
  });

  it('goes with what a prune removes, and a dry run says so', async () => {
    const [bases, containers] = [await base(), await container()];
    const options = { all: true, kinds: ['base'] } as const;
    const sizes = ['layer of a base', 'manifest of a base'].reduce((sum, text) => sum + text.length, 0);
    const dry = await pruneCache(store, { ...options, dryRun: true }, signal);
    expect(dry.bytes).toBeGreaterThan(sizes);
    expect(await held()).toEqual([...bases, ...containers].toSorted());
    await pruneCache(store, options, signal);
    expect(await held()).toEqual([...containers].toSorted());
  });
});
