import type { Digest } from '@tsbuild/oci';
import { RegistryClient } from '@tsbuild/oci/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROFILES, type ProfileName } from '../../../oci/testing/quirky-registry/profiles/by-name.ts';
import { QuirkyRegistry } from '../../../oci/testing/quirky-registry/server.ts';
import type { CacheBackend } from '../../src/shared-cache/backend/cache-backend.ts';
import { openBackend } from '../../src/shared-cache/backend/open-backend.ts';
import { parseCacheSpecs } from '../../src/shared-cache/flags/cache-spec.ts';
import { digestOfAll, sampleBlob, sampleRecord } from '../../testing/shared-records.ts';

const REPOSITORY = 'team/app-cache';

/** A builder's view of the cache in a registry. Its client does not wait long. */
async function openAt(host: string): Promise<CacheBackend> {
  const [spec] = parseCacheSpecs('cache-to', `${host}/${REPOSITORY}:main`).specs;
  if (spec === undefined) throw new TypeError('there is one');
  const retry = { attempts: 4, baseMilliseconds: 5, maxMilliseconds: 20 };
  const client = (): RegistryClient =>
    new RegistryClient({ environment: {}, retry, credentials: async () => undefined });
  return openBackend(spec, { client, environment: {}, directory: '/', now: () => 0 });
}

async function startWithRepository(profile: ProfileName): Promise<QuirkyRegistry> {
  const registry = await QuirkyRegistry.start(profile);
  registry.repository(REPOSITORY);
  return registry;
}

const { signal } = new AbortController();

/** What any place promises is in `registry-backend.test.ts`; here is what registries differ in. */
describe.each(Object.keys(PROFILES) as ProfileName[])('a cache in a registry like %s', (profile) => {
  let registry: QuirkyRegistry;
  let backend: CacheBackend;
  beforeEach(async () => {
    registry = await startWithRepository(profile);
    backend = await openAt(registry.host);
  });
  afterEach(async () => {
    await backend[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });
  /** What another builder has to say, who starts afresh. */
  const another = async <T>(use: (other: CacheBackend) => Promise<T>): Promise<T> => {
    await using other = await openAt(registry.host);
    return await use(other);
  };

  it('gives others records, blobs and hints', async () => {
    const records = ['a', 'b', 'c'].map((step) => sampleRecord(step, sampleBlob(`layer-${step}`)));
    for (const record of records) await backend.put(record, signal);
    await backend.putHints(records, signal);
    for (const { key, text } of records) expect(await another((other) => other.find(key, signal))).toBe(text);
    const { blob } = records[0]?.blobs[0] ?? sampleBlob('layer-a');
    expect(await another((other) => digestOfAll(other.open(blob, signal)))).toBe(blob.digest);
    const texts = records.map(({ text }) => text);
    expect(await another((other) => other.hints(signal))).toMatchObject({ kind: 'hints', texts });
  });

  it('renews its hints', async () => {
    const [a, b] = [sampleRecord('a', sampleBlob('layer-a')), sampleRecord('b')];
    for (const record of [a, b]) await backend.put(record, signal);
    await backend.putHints([a], signal);
    await backend.putHints([b, a], signal);
    const texts = [b.text, a.text];
    expect(await another((other) => other.hints(signal))).toMatchObject({ kind: 'hints', texts });
  });

  it('takes another record of a key, or keeps the one it has, without an error', async () => {
    const old = sampleRecord('a', sampleBlob('old'), 1);
    const young = sampleRecord('a', sampleBlob('new'), 2);
    await backend.put(old, signal);
    await backend.put(young, signal);
    const kept = registry.quirks.immutable === undefined ? young : old;
    expect(await another((other) => other.find(old.key, signal))).toBe(kept.text);
  });

  it('takes one layer from two builders at once', async () => {
    const layer = sampleBlob('layer-a', 100_000);
    const put = (step: string): Promise<void> => another((other) => other.put(sampleRecord(step, layer), signal));
    await Promise.all([put('a'), put('b')]);
    for (const step of ['a', 'b']) {
      const record = sampleRecord(step, layer);
      expect(await another((other) => other.find(record.key, signal))).toBe(record.text);
    }
  });

  it('lists its records, and removes one or says why not', async () => {
    const [a, b] = [sampleRecord('a', sampleBlob('layer-a')), sampleRecord('b')];
    for (const record of [a, b]) await backend.put(record, signal);
    const keys = async (): Promise<Digest[]> => {
      const listed: Digest[] = [];
      for await (const { key } of backend.list(signal)) listed.push(key);
      return listed.toSorted();
    };
    expect(await keys()).toEqual([a.key, b.key].toSorted());
    const removed = await backend.remove(a.key, signal).then(
      () => 'removed',
      ({ code }: { code: string }) => code,
    );
    expect(removed).toBe(registry.quirks.deletes === 'nothing' ? 'UNSUPPORTED' : 'removed');
    expect(await keys()).toHaveLength(removed === 'removed' ? 1 : 2);
  });

  it('says where a repository is missing that no push makes', async () => {
    registry.repositories.delete(REPOSITORY);
    const record = sampleRecord('a', sampleBlob('layer-a'));
    expect(await backend.find(record.key, signal)).toBeUndefined();
    expect(await backend.hints(signal)).toEqual({ kind: 'nothing' });
    const put = await backend.put(record, signal).then(
      () => 'done',
      ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
    );
    expect(put).toMatch(registry.quirks.createsRepositories ? /^done$/ : /^REGISTRY_NOT_FOUND .*team\/app-cache/);
  });
});
