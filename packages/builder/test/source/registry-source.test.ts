import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeImageConfig, MediaType, parseReference, type Platform } from '@tsbuild/oci';
import { LayerWriter, type NewLayerEntry, RegistryClient, type RegistryOptions } from '@tsbuild/oci/node';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { pullImage } from '../../src/transfer/pull.ts';
import { pushImage } from '../../src/transfer/push.ts';
import { silentReporter } from '../../src/progress/reporter.ts';
import { LayerProvider } from '../../src/source/layer-provider.ts';
import { RegistrySource } from '../../src/source/registry-source.ts';
import { Store } from '../../src/store/store.ts';
import { sourceContract } from '../../testing/source-contract.ts';

const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
const signal = new AbortController().signal;
const freshStore = async (): Promise<Store> => Store.open(await mkdtemp(join(tmpdir(), 'tsbuild-registry-')));

/** Puts an image of two layers into a store under `name`. */
async function addImage(store: Store, name: string, text: string): Promise<string> {
  const layers = [];
  for (const content of ['lower', text]) {
    const writer = new LayerWriter(await store.layout.blobs.create());
    const bytes = Buffer.from(content);
    const entry: NewLayerEntry = {
      path: content,
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: { seconds: 1, nanoseconds: 0 },
    };
    let at = 0;
    await writer.addFile({ ...entry, size: bytes.length }, (buffer) => {
      const count = bytes.copy(buffer, 0, at);
      at += count;
      return count;
    });
    const { digest, size } = await writer.finish();
    layers.push({ mediaType: MediaType.ociLayer, digest, size });
  }
  const diffIds = layers.map(({ digest }) => digest);
  const config = encodeImageConfig({
    ...AMD64,
    config: { Env: ['A=1'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  });
  return (await store.layout.add({ config, layers }, [parseReference(name)])).id;
}

describe.skipIf(SKIP_REGISTRY)(`with a real registry${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let options: RegistryOptions;
  let publisher: Store;
  let id: string;
  const clients: RegistryClient[] = [];
  const client = (): RegistryClient => {
    const made = new RegistryClient({ ...options, retry: { attempts: 1, baseMilliseconds: 1, maxMilliseconds: 1 } });
    clients.push(made);
    return made;
  };
  const transfer = (store: Store) => ({ store, registry: options, reporter: silentReporter, signal });

  beforeAll(async () => {
    registry = await startDockerRegistry();
    options = { mirrors: { 'docker.io': [registry.host] }, environment: {} };
    publisher = await freshStore();
    id = await addImage(publisher, `${registry.host}/library/base:1`, 'upper');
    await pushImage(`${registry.host}/library/base:1`, transfer(publisher));
  });
  afterAll(async () => {
    for (const made of clients) made.close();
    await registry?.stop();
  });

  const sourceIn = (store: Store, refresh = false, stopped = false): RegistrySource =>
    new RegistrySource({
      client: stopped
        ? () => {
            throw new Error('the registry was asked');
          }
        : client,
      blobs: store.layout.blobs,
      remotes: store.remotes,
      refresh,
      signal,
    });

  sourceContract('RegistrySource', async () => {
    const { layers } = await publisher.layout.resolve(id);
    const fullRepository = `${registry.host}/library/base`;
    return {
      source: sourceIn(await freshStore()),
      repository: 'base',
      fullRepository,
      layers: layers.map(({ digest }) => ({ digest })),
    };
  });

  it('asks once: the second build needs no registry, unless told to ask', async () => {
    const store = await freshStore();
    const first = await sourceIn(store).resolve('base:1', AMD64);
    expect(await sourceIn(store, false, true).resolve('base:1', AMD64)).toEqual(first);
    await expect(sourceIn(store, true, true).resolve('base:1', AMD64)).rejects.toThrow('the registry was asked');
  });

  it('fetches layers only when they are needed, then keeps them and their indexes', async () => {
    const store = await freshStore();
    const image = await sourceIn(store).resolve('base:1', AMD64);
    const [lower, upper] = image?.layers ?? [];
    expect(await store.layout.blobs.has(lower?.digest ?? `sha256:${'0'.repeat(64)}`)).toBeUndefined();
    const provider = new LayerProvider({
      blobs: store.layout.blobs,
      indexes: store.indexes,
      remotes: store.remotes,
      client,
      signal,
    });
    const [info] = await provider.ensure(lower === undefined ? [] : [lower]);
    expect(info?.digest).toBe(lower?.digest);
    expect(await store.layout.blobs.has(upper?.digest ?? `sha256:${'0'.repeat(64)}`)).toBeUndefined();
    expect((await store.indexes.kept(info?.digest ?? `sha256:${'0'.repeat(64)}`))?.get('lower')?.type).toBe('file');
  });

  it('keeps the documents of known images from being collected', async () => {
    const store = await freshStore();
    await sourceIn(store).resolve('base:1', AMD64);
    await store.collect();
    expect(await sourceIn(store, false, true).resolve('base:1', AMD64)).toBeDefined();
  });

  it('says that a layer is nowhere to be had', async () => {
    const store = await freshStore();
    const provider = new LayerProvider({
      blobs: store.layout.blobs,
      indexes: store.indexes,
      remotes: store.remotes,
      client,
      signal,
    });
    await expect(provider.ensure([{ digest: `sha256:${'f'.repeat(64)}` }])).rejects.toMatchObject({
      code: 'BLOB_NOT_FOUND',
    });
  });

  it('pulls what was pushed: the same image ID, twice the same digest', async () => {
    const store = await freshStore();
    const name = `${registry.host}/library/base:1`;
    const first = await pullImage(name, transfer(store));
    expect(first).toMatchObject({ image: { id }, upToDate: false });
    expect(await pullImage(name, transfer(store))).toMatchObject({ digest: first.digest, upToDate: true });
  });

  it('pushes what it pulled as the very bytes that it pulled', async () => {
    const store = await freshStore();
    const name = `${registry.host}/library/base:1`;
    const pulled = await pullImage(name, transfer(store));
    const pushed = await pushImage(name, { ...transfer(store), as: `${registry.host}/other/copy:2` });
    expect(pushed.digest).toBe(pulled.digest);
    expect((await pullImage(`${registry.host}/other/copy:2`, transfer(await freshStore()))).image.id).toBe(id);
  });

  it('compresses a layer once: a second push recognises it', async () => {
    const store = await freshStore();
    await addImage(store, 'mine:1', 'mine');
    const as = `${registry.host}/mine:1`;
    const first = await pushImage('mine:1', { ...transfer(store), as });
    expect(await pushImage('mine:1', { ...transfer(store), as })).toEqual(first);
  });
});
