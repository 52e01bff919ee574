import { mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Descriptor, parseReference } from '@tsbuild/oci';
import { fromRegistry, LayerWriter, RegistryClient } from '@tsbuild/oci/node';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { removeTree } from '../../src/disk/remove-tree.ts';
import { pushImage } from '../../src/transfer/push.ts';
import type { Packing } from '../../src/source/remote-records.ts';
import { Store } from '../../src/store/store.ts';
import { addFile } from '../../testing/snapshot-store.ts';

const signal = new AbortController().signal;
const reporter = { report: (): void => {} };

describe.skipIf(SKIP_REGISTRY)(`a push that packs layers in another way${NO_REGISTRY}`, () => {
  let directory: string;
  let registry: DockerRegistry;
  let store: Store;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    directory = mkdtempSync(join(tmpdir(), 'tsbuild-packing-'));
    store = await Store.open(join(directory, 'store'));
    const writer = new LayerWriter(await store.layout.blobs.create());
    const words = Array.from({ length: 20_000 }, (_, i) => `${i * i} ${i % 97}\n`);
    await addFile(writer, 'numbers', Buffer.from(words.join('')), 0o644);
    const { digest, size } = await writer.finish();
    const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digest] } };
    const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size }];
    await store.layout.add({ config: Buffer.from(JSON.stringify(config)), layers }, [parseReference('app')]);
  });
  afterAll(async () => {
    await registry.stop();
    await removeTree(directory);
  });

  const pushed = async (tag: string, packing?: Packing): Promise<Descriptor | undefined> => {
    const as = `${registry.host}/app:${tag}`;
    await pushImage('app', {
      store,
      registry: {},
      as,
      reporter,
      signal,
      ...(packing === undefined ? {} : { packing }),
    });
    const image = await fromRegistry(new RegistryClient({}), parseReference(as), { signal });
    return image.layers[0]?.descriptor;
  };

  it('sends it so, and not the bytes of the time before', async () => {
    const usual = await pushed('usual');
    expect(usual?.mediaType).toMatch(/tar\+gzip$/);
    expect(await pushed('again')).toEqual(usual);
    const quick = await pushed('quick', { compression: 'gzip', level: 1 });
    expect(quick?.digest).not.toBe(usual?.digest);
    const plain = await pushed('plain', { compression: 'none', level: 0 });
    expect(plain?.mediaType).toMatch(/tar$/);
    expect(await pushed('usual-again')).toEqual(usual);
  });

  it('knows the bytes that an earlier version packed, whose record does not say how', async () => {
    const [layer] = (await store.layout.resolve('app')).layers;
    const hex = layer?.digest.slice('sha256:'.length) ?? '';
    const folder = join(store.directory('remotes'), 'compressed');
    const usual = await pushed('usual');
    renameSync(join(folder, `${hex}.gzip-5.json`), join(folder, `${hex}.json`));
    expect(await store.remotes.packed(`sha256:${hex}`, { compression: 'gzip', level: 5 })).toEqual(usual);
    expect(await store.remotes.packed(`sha256:${hex}`, { compression: 'gzip', level: 9 })).toBeUndefined();
  });
});
