import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestHex } from '@tsbuild/oci';
import { openS3Backend, type S3Backend } from '../../src/shared-cache/backend/s3/s3-backend.ts';
import type { CacheSpec } from '../../src/shared-cache/flags/cache-spec.ts';
import { s3Place } from '../../src/shared-cache/backend/s3/s3-place.ts';
import { type CachePlace, cacheBackendContract } from '../../testing/cache-backend-contract.ts';
import { FakeS3 } from '../../testing/fake-s3/fake-s3.ts';
import { digestOfAll, sampleBlob, sampleRecord } from '../../testing/shared-records.ts';

const { signal } = new AbortController();
const HOUR = 60 * 60 * 1000;

function bucketOf(
  fake: FakeS3,
  attributes: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<S3Backend> {
  const { place, environment: whole } = reachOf(fake, attributes, environment);
  return openS3Backend(place, { environment: whole, now: () => fake.now() });
}

function reachOf(
  fake: FakeS3,
  attributes: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): { readonly place: CacheSpec; readonly environment: Readonly<Record<string, string>> } {
  const all = { bucket: fake.bucket, region: fake.region, endpoint_url: fake.url, ...attributes };
  const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'very-secret', HOME: '/nonexistent' };
  return {
    place: { type: 's3', attributes: new Map(Object.entries(all)) },
    environment: { ...keys, ...environment },
  };
}

cacheBackendContract('type=s3', async (): Promise<CachePlace> => {
  const fake = await FakeS3.start();
  return {
    keepsIndexes: true,
    open: () => bucketOf(fake, { prefix: 'team a/(cache)+&/' }),
    damage: async (digest) => {
      for (const [name, object] of fake.objects) {
        if (name.endsWith(digestHex(digest)))
          fake.objects.set(name, { ...object, bytes: Buffer.alloc(object.bytes.length) });
      }
    },
    lose: async (digest) => {
      for (const name of fake.objects.keys()) if (name.endsWith(digestHex(digest))) fake.objects.delete(name);
    },
    breakDown: async () => {
      fake.behaviour.fail = () => 500;
    },
    putForeign: async () => {
      const name = 'team a/(cache)+&/bundles/tsbuild';
      const bytes = Buffer.from('a poem');
      fake.objects.set(name, { bytes, metadata: {}, modified: 0 });
      const isIntact = async () => fake.objects.get(name)?.bytes === bytes;
      return { what: 'an object that is no cache', isIntact };
    },
    openReader: () => {
      fake.identities.set('READER', { secret: 'secret-of-reader', readOnly: true });
      const attributes = { access_key_id: 'READER', secret_access_key: 'secret-of-reader' };
      return bucketOf(fake, { ...attributes, prefix: 'team a/(cache)+&/' });
    },
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
});

describe('a cache in a bucket', () => {
  let fake: FakeS3;
  beforeEach(async () => {
    fake = await FakeS3.start();
  });
  afterEach(() => fake[Symbol.asyncDispose]());
  const count = (what: RegExp): number => fake.requests.filter((request) => what.test(request)).length;

  it('has its objects under the prefixes that BuildKit knows', async () => {
    const a = sampleRecord('a', sampleBlob('layer-a'));
    const layer = digestHex(sampleBlob('layer-a').blob.digest);
    await using plain = await bucketOf(fake);
    await plain.put(a, signal);
    await plain.putHints([a], signal);
    const attributes = { prefix: 'p/', blobs_prefix: 'b/', manifests_prefix: 'm/', name: 'main;other' };
    await using prefixed = await bucketOf(fake, attributes);
    await prefixed.put(a, signal);
    await prefixed.putHints([a], signal);
    const record = digestHex(a.key);
    expect([...fake.objects.keys()]).toEqual([
      `blobs/sha256/${layer}`,
      `records/${record}.json`,
      'bundles/tsbuild',
      `p/b/sha256/${layer}`,
      `p/m/records/${record}.json`,
      'p/m/bundles/main',
      'p/m/bundles/other',
    ]);
  });

  it('asks once for a record and once for the hints', async () => {
    await using backend = await bucketOf(fake);
    await backend.find(sampleRecord('a').key, signal);
    await backend.hints(signal);
    expect(fake.requests).toHaveLength(2);
  });

  it('tells of its requests, and of the bytes of their bodies', async () => {
    const counted = { requests: 0, up: 0, down: 0 };
    const { place, environment } = reachOf(fake);
    const traffic = {
      onRequest: () => void counted.requests++,
      onBytes: (direction: 'up' | 'down', bytes: number) => void (counted[direction] += bytes),
    };
    await using backend = await openS3Backend(place, { environment, now: () => fake.now(), traffic });
    const record = sampleRecord('a', sampleBlob('layer-a'));
    await backend.put(record, signal);
    expect(await backend.find(record.key, signal)).toBe(record.text);
    const [layer] = record.blobs;
    expect(counted).toEqual({
      requests: fake.requests.length,
      up: (layer?.blob.size ?? 0) + Buffer.byteLength(record.text),
      down: Buffer.byteLength(record.text),
    });
  });

  it('adopts the record of whoever was faster', async () => {
    const [mine, theirs] = [sampleRecord('a', sampleBlob('mine'), 1), sampleRecord('a', sampleBlob('theirs'), 2)];
    await using backend = await bucketOf(fake);
    expect(await backend.find(mine.key, signal)).toBeUndefined();
    await using other = await bucketOf(fake);
    await other.put(theirs, signal);
    await backend.put(mine, signal);
    expect(await backend.find(mine.key, signal)).toBe(theirs.text);
    // It has seen that one; what it says now is meant.
    await backend.put(mine, signal);
    expect(await backend.find(mine.key, signal)).toBe(mine.text);
  });

  it('does without conditions where the service knows none', async () => {
    fake.behaviour.withoutConditions = true;
    const [a, b] = [sampleRecord('a'), sampleRecord('b')];
    await using backend = await bucketOf(fake);
    for (const record of [a, b]) {
      await backend.find(record.key, signal);
      await backend.put(record, signal);
      expect(await backend.find(record.key, signal)).toBe(record.text);
    }
    expect(count(/^PUT records/)).toBe(3);
  });

  it('makes what is in use young again, once a day', async () => {
    const [a, b, unused] = [
      sampleRecord('a', sampleBlob('layer-a')),
      sampleRecord('b', sampleBlob('layer-b')),
      sampleRecord('unused', sampleBlob('layer-unused')),
    ];
    const start = Date.now();
    fake.now = () => start;
    await using first = await bucketOf(fake);
    for (const record of [a, b, unused]) await first.put(record, signal);
    await first.putHints([a], signal);
    fake.now = () => start + 25 * HOUR;
    await using second = await bucketOf(fake);
    await second.hints(signal);
    await second.find(b.key, signal);
    await second.putHints([a, b], signal);
    const young = [...fake.objects].filter(([, { modified }]) => modified > start).map(([name]) => name);
    const named = [a, b].flatMap(({ key, blobs: [layer] }) => [
      `records/${digestHex(key)}.json`,
      `blobs/sha256/${digestHex(layer?.blob.digest ?? key)}`,
    ]);
    expect(young.toSorted()).toEqual([...named, 'bundles/tsbuild'].toSorted());
    fake.requests.length = 0;
    await using third = await bucketOf(fake);
    await third.putHints([a, b], signal);
    expect(count(/^COPY/)).toBe(0);
  });

  it('leaves records out of the hints whose blobs are gone', async () => {
    const [a, b] = [sampleRecord('a', sampleBlob('layer-a')), sampleRecord('b', sampleBlob('layer-b'))];
    await using first = await bucketOf(fake);
    for (const record of [a, b]) await first.put(record, signal);
    await first.putHints([a, b], signal);
    fake.objects.delete(`blobs/sha256/${digestHex(sampleBlob('layer-a').blob.digest)}`);
    const later = Date.now() + 25 * HOUR;
    fake.now = () => later;
    await using second = await bucketOf(fake);
    await second.putHints([a, b], signal);
    expect(await second.hints(signal)).toEqual({ kind: 'hints', texts: [b.text] });
  });

  it('takes up a download where it broke', async () => {
    const layer = sampleBlob('layer-a', 1024 * 1024);
    await using backend = await bucketOf(fake);
    await backend.put(sampleRecord('a', layer), signal);
    fake.behaviour.cutAfter = [100_000, 100_000];
    expect(await digestOfAll(backend.open(layer.blob, signal))).toBe(layer.blob.digest);
    expect(count(/^GET blobs/)).toBe(3);
  });

  it('tries again when the service is busy', async () => {
    let failures = 2;
    fake.behaviour.fail = () => (failures-- > 0 ? 503 : undefined);
    await using backend = await bucketOf(fake);
    await backend.put(sampleRecord('a'), signal);
    expect(count(/^PUT records/)).toBe(3);
  });

  it('says that there is no such bucket', async () => {
    await using backend = await bucketOf(fake, { bucket: 'another' });
    await expect(backend.find(sampleRecord('a').key, signal)).rejects.toThrow(
      /^cannot read records\/.*\.json in the bucket another: 127.0.0.1:\d+ answered 404 Not Found \(NoSuchBucket: no\)$/,
    );
  });

  it('tells no secret when it is refused', async () => {
    await using backend = await bucketOf(fake, { secret_access_key: 'wrong-secret', access_key_id: 'AKIDEXAMPLE' });
    const error: unknown = await backend.find(sampleRecord('a').key, signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'REGISTRY_DENIED', message: expect.stringContaining('SignatureDoesNotMatch') });
    expect(`${String(error)} ${JSON.stringify(error)} ${backend.spec}`).not.toMatch(/secret|AKID/);
  });
});

describe('which bucket is meant', () => {
  const place = (attributes: Readonly<Record<string, string>>, environment = {}, usePathStyle?: boolean) =>
    s3Place(new Map(Object.entries({ bucket: 'b.example', ...attributes })), environment, { usePathStyle }).base.href;

  it.each([
    [{ bucket: 'cache' }, {}, undefined, 'https://cache.s3.us-east-1.amazonaws.com/'],
    [{ bucket: 'cache', region: 'cn-north-1' }, {}, undefined, 'https://cache.s3.cn-north-1.amazonaws.com.cn/'],
    [{}, { AWS_REGION: 'eu-west-1' }, undefined, 'https://s3.eu-west-1.amazonaws.com/b.example/'],
    [{ bucket: 'cache' }, {}, true, 'https://s3.us-east-1.amazonaws.com/cache/'],
    [{ bucket: 'cache', endpoint_url: 'http://minio:9000' }, {}, undefined, 'http://minio:9000/cache/'],
    [{ bucket: 'cache', endpoint_url: 'https://r2.example/base' }, {}, false, 'https://cache.r2.example/base/'],
    [{ bucket: 'cache' }, { AWS_ENDPOINT_URL: 'http://minio:9000' }, undefined, 'http://minio:9000/cache/'],
  ])('%o %o is %s', (attributes, environment, usePathStyle, expected) => {
    expect(place(attributes, environment, usePathStyle)).toBe(expected);
  });

  it.each([
    [{ bucket: 'a/b' }, 'bucket=a/b is no bucket'],
    [{ region: 'eu/1' }, 'region=eu/1 is no region'],
    [{ endpoint_url: 'ftp://x' }, 'must be http://'],
    [{ endpoint_url: 'http://user:pass@x' }, 'must not hold a user or a password'],
  ])('%o is refused', (attributes, message) => {
    expect(() => place(attributes)).toThrow(message);
  });
});
