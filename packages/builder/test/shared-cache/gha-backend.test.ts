import { digestHex } from '@tsbuild/oci';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ActionsBackend } from '../../src/shared-cache/backend/gha/actions-backend.ts';
import { UploadPace } from '../../src/shared-cache/backend/gha/upload-pace.ts';
import { type CachePlace, cacheBackendContract } from '../../testing/cache-backend-contract.ts';
import { actionsToken, FakeActionsCache } from '../../testing/fake-gha/fake-gha.ts';
import { digestOfAll, sampleBlob, sampleRecord } from '../../testing/shared-records.ts';

const { signal } = new AbortController();

function cacheOf(fake: FakeActionsCache, permission: 1 | 3 = 3, scope = 'main'): ActionsBackend {
  const environment = { ACTIONS_RESULTS_URL: fake.url, ACTIONS_RUNTIME_TOKEN: actionsToken(permission) };
  const spec = { type: 'gha', attributes: new Map([['scope', scope]]) } as const;
  return new ActionsBackend(spec, { environment, now: () => Date.now() });
}

cacheBackendContract(
  'type=gha',
  async (): Promise<CachePlace> => {
    const fake = await FakeActionsCache.start();
    const holders = () => fake.entries.filter(({ key }) => /^tsbuild-[lp]1-/.test(key));
    return {
      keepsIndexes: true,
      open: async () => cacheOf(fake),
      damage: async () => {
        for (const entry of holders()) entry.bytes = Buffer.alloc(entry.bytes?.length ?? 0);
      },
      lose: async () => {
        for (const entry of holders()) entry.isFinal = false;
      },
      breakDown: async () => void (fake.isDown = true),
      openReader: async () => cacheOf(fake, 1),
      [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
    };
  },
  { recordsLieInHints: true, keepsRecords: true },
);

describe('the cache of GitHub Actions', () => {
  let fake: FakeActionsCache;
  beforeEach(async () => {
    fake = await FakeActionsCache.start();
  });
  afterEach(() => fake[Symbol.asyncDispose]());
  const made = (): readonly string[] => fake.requests.filter((request) => request.startsWith('CreateCacheEntry'));

  it('makes few entries: one for all small blobs, one for the records', async () => {
    const records = Array.from({ length: 20 }, (_, index) => sampleRecord(`${index}`, sampleBlob(`layer-${index}`)));
    const large = sampleRecord('large', sampleBlob('layer-large', 2 * 1024 * 1024));
    await using backend = cacheOf(fake);
    for (const record of [...records, large]) await backend.put(record, signal);
    await backend.putHints([...records, large], signal);
    expect(made().map((request) => /tsbuild-..-/.exec(request)?.[0])).toEqual([
      'tsbuild-l1-',
      'tsbuild-p1-',
      'tsbuild-b1-',
    ]);
    await using reader = cacheOf(fake);
    for (const { blobs } of [...records, large]) {
      for (const { blob } of blobs) expect(await digestOfAll(reader.open(blob, signal))).toBe(blob.digest);
    }
  });

  it('keeps what another build has written meanwhile', async () => {
    const [a, b] = [sampleRecord('a', sampleBlob('layer-a')), sampleRecord('b', sampleBlob('layer-b'))];
    await using first = cacheOf(fake);
    await using second = cacheOf(fake);
    for (const backend of [first, second]) await backend.hints(signal);
    await first.put(a, signal);
    await second.put(b, signal);
    await first.putHints([a], signal);
    await second.putHints([b], signal);
    await using reader = cacheOf(fake);
    expect(await reader.hints(signal)).toEqual({ kind: 'hints', texts: [b.text, a.text] });
    expect(await digestOfAll(reader.open(sampleBlob('layer-a').blob, signal))).toBe(sampleBlob('layer-a').blob.digest);
  });

  it('sends a large blob in blocks', async () => {
    const layer = sampleBlob('layer-large', 40 * 1024 * 1024);
    await using backend = cacheOf(fake);
    await backend.put(sampleRecord('a', layer), signal);
    expect(fake.requests.filter((request) => request.startsWith('PUT'))).toEqual([
      'PUT block',
      'PUT block',
      'PUT block',
      'PUT blocklist',
    ]);
    await using reader = cacheOf(fake);
    expect(await digestOfAll(reader.open(layer.blob, signal))).toBe(layer.blob.digest);
  });

  it('keeps names apart, also where one begins with another', async () => {
    await using backend = cacheOf(fake, 3, 'main-2');
    const a = sampleRecord('a');
    await backend.put(a, signal);
    await backend.putHints([a], signal);
    await using other = cacheOf(fake, 3, 'main');
    expect(await other.hints(signal)).toEqual({ kind: 'nothing' });
  });

  it('sends nothing with a token that may only read', async () => {
    await using reader = cacheOf(fake, 1);
    await expect(reader.put(sampleRecord('a', sampleBlob('a')), signal)).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    });
    expect(fake.requests).toEqual([]);
  });

  it('says what is missing outside of a job', async () => {
    const spec = { type: 'gha', attributes: new Map<string, string>() } as const;
    await using backend = new ActionsBackend(spec, { environment: {}, now: () => Date.now() });
    await expect(backend.hints(signal)).rejects.toThrow('ACTIONS_RESULTS_URL is not in the environment');
    await expect(backend.put(sampleRecord('a'), signal)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
  });

  it('has keys that say what is behind them', async () => {
    const layer = sampleBlob('layer-large', 2 * 1024 * 1024);
    await using backend = cacheOf(fake);
    await backend.put(sampleRecord('a', layer), signal);
    expect(made()).toEqual([`CreateCacheEntry tsbuild-l1-${digestHex(layer.blob.digest)}`]);
  });

  it('makes no more entries a minute than the service takes', async () => {
    let now = 0;
    const slept: number[] = [];
    const sleep = async (milliseconds: number): Promise<void> => {
      slept.push(milliseconds);
      now += milliseconds;
    };
    const pace = new UploadPace({ now: () => now, sleep });
    for (let entry = 0; entry < 301; entry++) await pace.take(signal);
    expect(slept).toEqual([60_000, 60_000]);
  });
});
