import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Descriptor, type Digest, digestHex, sha256Digest } from '@tsbuild/oci';
import { DirectoryBlobStore } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  findProgram,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { scratchFolders } from '../../../oci/testing/scratch.ts';
import { LocalBackend } from '../../src/shared-cache/backend/local/local-backend.ts';
import { recordTag } from '../../src/shared-cache/backend/record-tag.ts';
import { type CachePlace, cacheBackendContract } from '../../testing/cache-backend-contract.ts';
import { digestOfAll, sampleBlob, sampleRecord } from '../../testing/shared-records.ts';

const folder = scratchFolders();
const { signal } = new AbortController();
const DAY = 24 * 60 * 60 * 1000;

function localCache(root: string, attributes: Readonly<Record<string, string>> = {}, now = Date.now()): LocalBackend {
  const spec = { type: 'local', attributes: new Map(Object.entries({ dest: root, ...attributes })) } as const;
  return new LocalBackend(spec, { directory: '/', now: () => now });
}

const blobPath = (root: string, digest: Digest): string => join(root, 'blobs/sha256', digestHex(digest));
const entries = (root: string): readonly Descriptor[] =>
  (JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')) as { manifests: Descriptor[] }).manifests;
const names = (root: string): readonly (string | undefined)[] =>
  entries(root).map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);

/** Puts a manifest of somebody else's under a name, with its config. */
async function putForeign(root: string, configType: string, tag: string): Promise<readonly Digest[]> {
  const blobs = new DirectoryBlobStore(root);
  const config = await blobs.put(Buffer.from('{"layers":[]}'));
  const document = { schemaVersion: 2, config: { mediaType: configType, ...config }, layers: [] };
  const manifest = await blobs.put(Buffer.from(JSON.stringify(document)));
  const entry = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...manifest,
    annotations: { 'org.opencontainers.image.ref.name': tag },
  };
  writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const before = existsSync(join(root, 'index.json')) ? entries(root) : [];
  writeFileSync(join(root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [...before, entry] }));
  return [manifest.digest, config.digest];
}

cacheBackendContract('type=local', async (): Promise<CachePlace> => {
  const root = folder();
  return {
    keepsIndexes: true,
    open: async () => localCache(root),
    damage: async (digest) => {
      const path = blobPath(root, digest);
      writeFileSync(path, Buffer.alloc(statSync(path).size));
    },
    lose: async (digest) => rmSync(blobPath(root, digest)),
    breakDown: async () => writeFileSync(join(root, 'index.json'), '{'),
    putForeign: async () => {
      const digests = await putForeign(root, 'application/vnd.buildkit.cacheconfig.v0', 'latest');
      const isIntact = async () =>
        names(root).includes('latest') && digests.every((digest) => existsSync(blobPath(root, digest)));
      return { what: "BuildKit's cache", isIntact };
    },
    [Symbol.asyncDispose]: async () => {},
  };
});

describe('a cache in a layout', () => {
  it('is a layout with an image for each record', async () => {
    const root = join(folder(), 'new/cache');
    const a = sampleRecord('a', sampleBlob('layer-a'));
    const backend = localCache(root);
    await backend.put(a, signal);
    await backend.putHints([a], signal);
    expect(names(root)).toEqual([recordTag(a.key), 'latest']);
    expect(readFileSync(join(root, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
    expect(readdirSync(root).toSorted()).toEqual([
      '.tsbuild-cache-blobs.lock',
      '.tsbuild-cache-index.lock',
      'blobs',
      'index.json',
      'oci-layout',
      'tmp',
    ]);
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('reads nothing, and makes nothing, where nothing is', async () => {
    const root = join(folder(), 'none');
    expect(await localCache(root).find(sampleRecord('a').key, signal)).toBeUndefined();
    expect(existsSync(root)).toBe(false);
  });

  it('forgets what no build has used for a week, and keeps what one did', async () => {
    const root = folder();
    const shared = sampleBlob('shared');
    const [old, used, fresh] = [
      sampleRecord('old', sampleBlob('only of old')),
      sampleRecord('used', shared),
      sampleRecord('fresh', shared),
    ];
    const now = Date.now();
    for (const record of [old, used]) await localCache(root, {}, now).put(record, signal);
    await localCache(root, {}, now + 3 * DAY).put(fresh, signal);
    const build = localCache(root, {}, now + 8 * DAY);
    await build.find(used.key, signal);
    await build.putHints([], signal);
    expect(names(root).toSorted()).toEqual([...[used, fresh].map(({ key }) => recordTag(key)), 'latest'].toSorted());
    expect(old.blobs.map(({ blob }) => existsSync(blobPath(root, blob.digest)))).toEqual([false]);
    expect(await digestOfAll(build.open(shared.blob, signal))).toBe(shared.blob.digest);
  });

  it.each([{ reset: 'true' }, { keep: '0' }])('keeps only what this build used with %o', async (attributes) => {
    const root = folder();
    await localCache(root).put(sampleRecord('old', sampleBlob('layer-old')), signal);
    const a = sampleRecord('a', sampleBlob('layer-a'));
    const build = localCache(root, attributes);
    await build.put(a, signal);
    await build.putHints([a], signal);
    expect(names(root)).toEqual([recordTag(a.key), 'latest']);
    expect(existsSync(blobPath(root, sampleBlob('layer-old').blob.digest))).toBe(false);
  });

  it('removes no blob of a writer that has not named it yet', async () => {
    const root = folder();
    const [a, b] = [sampleRecord('a'), sampleRecord('b', sampleBlob('layer-b', 300_000))];
    const pruner = localCache(root, { keep: '0' });
    await localCache(root).put(a, signal);
    const slow = b.blobs.map((blob) => ({
      ...blob,
      open: async function* () {
        yield* blob.open();
        // While the bytes are on their way another build removes what it does not need.
        await pruner.putHints([], signal);
      },
    }));
    const two = sampleBlob('layer-c');
    await localCache(root).put({ ...b, blobs: [two, ...slow] }, signal);
    expect(names(root)).not.toContain(recordTag(a.key));
    expect(await digestOfAll(pruner.open(two.blob, signal))).toBe(two.blob.digest);
  });

  it("keeps somebody else's image and all of it, and puts the hints beside it", async () => {
    const root = folder();
    const digests = await putForeign(root, 'application/vnd.oci.image.config.v1+json', 'latest');
    await localCache(root).put(sampleRecord('old', sampleBlob('layer-old')), signal);
    const a = sampleRecord('a', sampleBlob('layer-a'));
    const build = localCache(root, { reset: 'true' });
    await build.put(a, signal);
    await build.putHints([a], signal);
    expect(names(root)).toEqual(['latest', recordTag(a.key), 'latest.tsbuild']);
    expect(digests.map((digest) => existsSync(blobPath(root, digest)))).toEqual([true, true]);
    expect(existsSync(blobPath(root, sampleBlob('layer-old').blob.digest))).toBe(false);
    const foreign = 'an image';
    expect(await localCache(root).hints(signal)).toEqual({ kind: 'hints', texts: [a.text], foreign });
  });

  it('keeps the indexes of the layers beside the hints', async () => {
    const [root, pack] = [folder(), sampleBlob('indexes')];
    await localCache(root).putHints([sampleRecord('a')], signal, pack);
    const found = await localCache(root).hints(signal);
    const indexes = found.kind === 'hints' ? found.pack : undefined;
    expect(indexes).toEqual(pack.blob);
    expect(await digestOfAll(localCache(root).open(pack.blob, signal))).toBe(pack.blob.digest);
  });

  it('stores a damaged blob again once somebody has met it', async () => {
    const root = folder();
    const layer = sampleBlob('layer-a');
    await localCache(root).put(sampleRecord('a', layer), signal);
    writeFileSync(blobPath(root, layer.blob.digest), Buffer.alloc(layer.blob.size));
    await expect(digestOfAll(localCache(root).open(layer.blob, signal))).rejects.toThrow('corrupt');
    await localCache(root).put(sampleRecord('a', layer), signal);
    expect(await digestOfAll(localCache(root).open(layer.blob, signal))).toBe(layer.blob.digest);
  });

  it('finds a record again whose manifest was damaged', async () => {
    const root = folder();
    const a = sampleRecord('a');
    await localCache(root).put(a, signal);
    const [entry] = entries(root);
    if (entry === undefined) throw new Error('there is one');
    writeFileSync(blobPath(root, entry.digest), Buffer.alloc(entry.size));
    expect(await localCache(root).find(a.key, signal)).toBeUndefined();
    await localCache(root).put(a, signal);
    expect(await localCache(root).find(a.key, signal)).toBe(a.text);
  });

  it('reads the hints of a name or of a digest', async () => {
    const root = folder();
    const [a, b] = [sampleRecord('a'), sampleRecord('b')];
    await localCache(root, { tag: 'main' }).putHints([a], signal);
    const digest = entries(root)[0]?.digest ?? sha256Digest('');
    await localCache(root, { tag: 'main' }).putHints([b], signal);
    expect(await localCache(root).hints(signal)).toEqual({ kind: 'nothing' });
    expect(await localCache(root, { tag: 'main' }).hints(signal)).toEqual({ kind: 'hints', texts: [b.text] });
    expect(await localCache(root, { digest }).hints(signal)).toEqual({ kind: 'hints', texts: [a.text] });
    expect(() => localCache(root, { digest: 'main' })).toThrow('digest=main is none');
  });

  it('takes blobs of a layer that many builders write at once', async () => {
    const root = folder();
    const records = Array.from({ length: 12 }, (_, index) =>
      sampleRecord(`${index}`, sampleBlob(`layer-${index % 3}`)),
    );
    await Promise.all(records.map((record) => localCache(root).put(record, new AbortController().signal)));
    expect(names(root).toSorted()).toEqual(records.map(({ key }) => recordTag(key)).toSorted());
  });

  it('says that it may only be read', async () => {
    if (!existsSync('/sys/kernel')) return;
    const writing = localCache('/sys/kernel/tsbuild-cache').put(sampleRecord('a'), signal);
    await expect(writing).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  });
});

const noSkopeo = findProgram('skopeo') === undefined;
describe.skipIf(SKIP_REGISTRY || (noSkopeo && process.env.CI !== 'true'))(`skopeo${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry.stop());

  it('copies records and hints to a registry and back, unchanged', async () => {
    const [root, back] = [folder(), folder()];
    mkdirSync(root, { recursive: true });
    const [a, base] = [sampleRecord('a', sampleBlob('layer-a')), sampleRecord('base')];
    const backend = localCache(root);
    for (const record of [a, base]) await backend.put(record, signal);
    await backend.putHints([a, base], signal);
    const copy = (...args: readonly string[]) =>
      execFileSync('skopeo', [
        'copy',
        '--insecure-policy',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        ...args,
      ]);
    for (const name of [recordTag(a.key), recordTag(base.key), 'latest']) {
      copy(`oci:${root}:${name}`, `docker://${registry.host}/team/cache:${name}`);
      copy(`docker://${registry.host}/team/cache:${name}`, `oci:${back}:${name}`);
    }
    const other = localCache(back);
    expect(await other.find(a.key, signal)).toBe(a.text);
    expect(await other.find(base.key, signal)).toBe(base.text);
    expect(await other.hints(signal)).toEqual({ kind: 'hints', texts: [a.text, base.text] });
    expect(await digestOfAll(other.open(sampleBlob('layer-a').blob, signal))).toBe(sampleBlob('layer-a').blob.digest);
  });
});
