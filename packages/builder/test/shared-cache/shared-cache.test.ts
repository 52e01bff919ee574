import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OciError } from '@tsbuild/oci';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import type { BuildOptions } from '../../src/build/build-options.ts';
import { openRegistryBackend } from '../../src/shared-cache/backend/registry/registry-backend.ts';
import { CacheMeter } from '../../src/shared-cache/cache-meter.ts';
import { listSharedCache, pruneSharedCache } from '../../src/shared-cache/look-after.ts';
import { CachePlace } from '../../src/shared-cache/cache-place.ts';
import { CacheWriter } from '../../src/shared-cache/cache-writer.ts';
import { backendAccess } from '../../src/shared-cache/layers-at-hand.ts';
import { type CacheSpec, parseCacheSpecs } from '../../src/shared-cache/flags/cache-spec.ts';
import { generateSigningKey } from '../../src/shared-cache/record/record-signature.ts';
import { type BenchBuild, BuildBench } from '../../testing/build-bench.ts';

const DAY = 86_400_000;
const NEEDS_ROOT = process.getuid?.() !== 0;

const DOCKERFILE = `FROM busybox AS build
ARG SECRET_TOKEN=hunter2-value
ENV MODE=mode-value-9
WORKDIR /app
COPY a.txt b.txt ./
RUN cat a.txt b.txt > c.txt; head -c 50000 /dev/urandom > noise
FROM busybox
COPY --from=build /app/c.txt /c.txt
RUN cat /c.txt > /d.txt
`;

/** Without a RUN whose result is another one each time. */
const SAME = DOCKERFILE.replace('; head -c 50000 /dev/urandom > noise', '');

describe.skipIf(SKIP_REGISTRY || NEEDS_ROOT)(`builds that share a cache (needs root, for RUN)${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  const machines: BuildBench[] = [];
  let caches = 0;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(async () => {
    for (const bench of machines) await bench[Symbol.asyncDispose]();
    await registry.stop();
  });

  async function machine(): Promise<BuildBench> {
    const bench = await BuildBench.make();
    machines.push(bench);
    return bench;
  }

  const cacheOf = (name: string, more = ''): readonly CacheSpec[] =>
    parseCacheSpecs('cache-to', `type=registry,ref=${registry.host}/${name}:main${more}`).specs;
  const newCache = (): string => `cache/${++caches}`;
  const storage = (...names: readonly string[]): string =>
    join(registry.directory, 'storage/docker/registry/v2', ...names);

  async function build(
    bench: BuildBench,
    name: string,
    { files = { 'a.txt': 'a\n', 'b.txt': 'b\n' }, dockerfile = SAME, more = '', ...options }: TestBuild = {},
  ): Promise<BenchBuild> {
    const context = bench.files(`context-${readdirSync(bench.directory).length}`, { ...files, Dockerfile: dockerfile });
    const cache = cacheOf(name, more);
    return bench.buildIn(context, { cacheFrom: cache, cacheTo: cache, environment: {}, ...options });
  }
  interface TestBuild extends Partial<BuildOptions> {
    readonly files?: Readonly<Record<string, string>>;
    readonly dockerfile?: string;
    readonly more?: string;
  }

  /** Takes the bytes of all layers of records away, or changes them. */
  function damageLayers(damage: (path: string) => void): number {
    const blobs = storage('blobs/sha256');
    const paths = readdirSync(blobs, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('/data'));
    const layers = paths.map((path) => join(blobs, path)).filter((path) => readFileSync(path)[0] === 0x1f);
    for (const layer of layers) damage(layer);
    return layers.length;
  }

  it('a second machine has every step, the same image, and no byte of a layer', async () => {
    const cache = newCache();
    const [first, second] = [await build(await machine(), cache), await build(await machine(), cache)];
    expect(first.cache).toMatchObject({ misses: 5, hints: 0, failures: 0 });
    expect(second.image.id).toBe(first.image.id);
    expect(second.cache).toMatchObject({ misses: 0, hints: 5, keys: 0, layersFetched: 0, written: 0, failures: 0 });
    expect(second.cache?.requests).toBeLessThanOrEqual(3);
    expect(second.events).toContain(JSON.stringify({ type: 'shared-cache', ...second.cache }));
    expect(second.events).toContain(`"from":"registry ${registry.host}/${cache}:main"`);
  });

  it('asks for each key where the hints are lost', async () => {
    const cache = newCache();
    const first = await build(await machine(), cache);
    rmSync(storage('repositories', cache, '_manifests/tags/main'), { recursive: true });
    const second = await build(await machine(), cache);
    expect(second.image.id).toBe(first.image.id);
    expect(second.cache).toMatchObject({ misses: 0, hints: 0, keys: 5, failures: 0 });
  });

  it('runs the steps of layers that are gone or others when their bytes are needed', async () => {
    for (const damage of [(path: string) => rmSync(path), (path: string) => writeFileSync(path, 'something else')]) {
      const cache = newCache();
      await build(await machine(), cache, { dockerfile: DOCKERFILE });
      expect(damageLayers(damage)).toBeGreaterThan(3);
      const changed = SAME.replace('cat /c.txt > /d.txt', 'cat /c.txt /c.txt > /d.txt');
      const clean = await (await machine()).buildIn(
        (await machine()).files('clean', { 'a.txt': 'a\n', 'b.txt': 'b\n', Dockerfile: changed }),
      );
      const bench = await machine();
      const second = await build(bench, cache, {
        dockerfile: changed.replace('> c.txt', '> c.txt; head -c 50000 /dev/urandom > noise'),
      });
      expect(second.layer).toEqual(clean.layer);
      expect(second.layer).toContain('d.txt=a\nb\na\nb\n');
      expect(second.events).toContain('its step runs again');
      // What was lost is whole again for everybody.
      const third = await build(await machine(), cache, { dockerfile: changed.replace('/d.txt', '/e.txt') });
      expect(third.layer).toContain('e.txt=a\nb\na\nb\n');
    }
  });

  it('shares what a build had made before it failed', async () => {
    const cache = newCache();
    const failing = `${SAME}RUN exit 3\n`;
    await expect(build(await machine(), cache, { dockerfile: failing })).rejects.toThrow('exit');
    const second = await build(await machine(), cache);
    expect(second.cache).toMatchObject({ misses: 0, failures: 0 });
  });

  it('tells nobody the value of a variable', async () => {
    const cache = newCache();
    await build(await machine(), cache, {
      dockerfile: DOCKERFILE,
      buildArgs: new Map([['SECRET_TOKEN', 'argument-value-7']]),
    });
    const blobs = storage('blobs/sha256');
    const texts = readdirSync(blobs, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('/data'))
      .map((path) => readFileSync(join(blobs, path), 'latin1'));
    const records = texts.filter((text) => text.includes('dev.tsbuild.record.v1'));
    expect(records.length).toBeGreaterThanOrEqual(5);
    for (const value of ['hunter2-value', 'argument-value-7', 'mode-value-9'])
      for (const text of records) expect(text).not.toContain(value);
    expect(records.some((text) => text.includes('MODE='))).toBe(true);
  });

  it('warns of arguments that look like secrets', async () => {
    const { events } = await build(await machine(), newCache(), { dockerfile: DOCKERFILE });
    expect(events).toContain('SECRET_TOKEN decides the key of a step');
  });

  it('takes only records that a trusted key has signed', async () => {
    const cache = newCache();
    const [own, other] = [generateSigningKey(), generateSigningKey()];
    const signing = { environment: {}, registry: { environment: { TSBUILD_CACHE_KEY: own.pem } } };
    const reading = (trusted: string): Partial<BuildOptions> => ({
      cacheTo: [],
      registry: { environment: { TSBUILD_CACHE_TRUSTED: trusted } },
    });
    const first = await build(await machine(), cache, signing);
    const good = await build(await machine(), cache, reading(own.publicKey));
    expect(good.cache).toMatchObject({ hints: 5, misses: 0 });
    const bad = await build(await machine(), cache, reading(other.publicKey));
    expect(bad.cache).toMatchObject({ hints: 0, keys: 0, misses: 5, failures: 0 });
    expect(bad.layer).toEqual(first.layer);
    // Moved to another repository, nothing that was signed counts.
    const elsewhere = await build(await machine(), cache, {
      ...reading(own.publicKey),
      cacheFrom: cacheOf(cache, ',scope=else/where'),
    });
    expect(elsewhere.cache).toMatchObject({ hints: 0, misses: 5 });
  });

  it('costs nothing but hits when the registry is gone', async () => {
    const gone = await startDockerRegistry();
    await gone.stop();
    const cache = parseCacheSpecs('cache-from', `${gone.host}/gone`).specs;
    const bench = await machine();
    const context = bench.files('alone', { 'a.txt': 'a\n', 'b.txt': 'b\n', Dockerfile: SAME });
    const built = await bench.buildIn(context, { cacheFrom: cache, cacheTo: cache });
    expect(built.cache).toMatchObject({ hints: 0, keys: 0, misses: 5, written: 0 });
    expect(built.cache?.failures).toBeGreaterThan(0);
    expect(built.events).toContain('is left out for the rest of the build');
  });

  it('fails a build that asks for it where nothing can be written', async () => {
    const gone = await startDockerRegistry();
    await gone.stop();
    const { specs } = parseCacheSpecs('cache-to', `type=registry,ref=${gone.host}/gone,ignore-error=false`);
    const bench = await machine();
    const context = bench.files('strict', { Dockerfile: 'FROM busybox\nWORKDIR /x\n' });
    await expect(bench.buildIn(context, { cacheTo: specs })).rejects.toMatchObject({ code: 'CACHE_EXPORT_FAILED' });
  });

  it('renews an old record that is in use, in its own place and in the hints', async () => {
    const bench = await machine();
    await bench.build('FROM busybox\nWORKDIR /x\n');
    const ref = `${registry.host}/${newCache()}:main`;
    const write = async (
      now: number,
      before: (place: CachePlace) => Promise<void> = async () => undefined,
    ): Promise<(number | undefined)[]> => {
      const { signal } = new AbortController();
      const [spec] = parseCacheSpecs('cache-to', ref).specs;
      if (spec === undefined) throw new Error('a reference is a place');
      await using backend = openRegistryBackend(spec, backendAccess({ environment: {} }));
      const quiet = { notice: () => undefined, failed: () => undefined, now: () => now };
      const place = new CachePlace(backend, { policy: 'registry', trusted: [] }, quiet, signal);
      await before(place);
      const options = { place, store: bench.store, meter: new CacheMeter(), touch: 7 * DAY, random: () => 0 };
      const writer = new CacheWriter({ ...options, fullListings: false, ...quiet, signal });
      for await (const { record } of bench.store.records.all()) writer.offer(record);
      await writer.drain(60_000);
      const hinted = [...(await place.freshHints()).values()];
      const truth = await Promise.all(hinted.map(({ key }) => place.lookupTruth(key)));
      return [...hinted, ...truth.map((found) => (found.kind === 'hit' ? found.record : undefined))].map(
        (record) => record?.touched,
      );
    };
    const now = Date.now();
    expect(await write(now)).toEqual([undefined, undefined]);
    expect(await write(now + 8 * DAY)).toEqual([now + 8 * DAY, now + 8 * DAY]);
    // Not once more while it is young.
    expect(await write(now + 9 * DAY)).toEqual([now + 8 * DAY, now + 8 * DAY]);
    // Nor by a builder whose hints are older than the record.
    const stale = await write(now + 17 * DAY, async (place) => {
      await place.hints();
      expect(await write(now + 16 * DAY)).toEqual([now + 16 * DAY, now + 16 * DAY]);
    });
    expect(stale).toEqual([now + 16 * DAY, now + 16 * DAY]);
  });

  it('takes the record of whoever wrote the same key at once, and tells of it in the hints', async () => {
    const bench = await machine();
    await bench.build('FROM busybox\nWORKDIR /y\n');
    const { signal } = new AbortController();
    const [spec] = parseCacheSpecs('cache-to', `${registry.host}/${newCache()}:main`).specs;
    if (spec === undefined) throw new Error('a reference is a place');
    await using backend = openRegistryBackend(spec, backendAccess({ environment: {} }));
    // The other builder is a moment ahead, and the registry refuses whoever comes second.
    const put: typeof backend.put = async (record, giveUp) => {
      await backend.put(record, giveUp);
      throw new OciError('REGISTRY_ERROR', 'answered 409 Conflict', { fields: { status: 409 } });
    };
    const raced: typeof backend = Object.assign(Object.create(backend) as typeof backend, {
      put,
      find: backend.find.bind(backend),
      hints: backend.hints.bind(backend),
      putHints: backend.putHints.bind(backend),
    });
    const quiet = { notice: () => undefined, failed: () => undefined, now: Date.now };
    const place = new CachePlace(raced, { policy: 'registry', trusted: [] }, quiet, signal);
    const meter = new CacheMeter();
    const options = { place, store: bench.store, meter, touch: 0, random: () => 0, fullListings: false };
    const writer = new CacheWriter({ ...options, ...quiet, signal });
    for await (const { record } of bench.store.records.all()) writer.offer(record);
    await writer.drain(60_000);
    expect(writer.failure).toBeUndefined();
    expect(meter.counts).toMatchObject({ adopted: 1, written: 0, failures: 0 });
    expect([...(await place.freshHints()).keys()]).toHaveLength(1);
  });

  it('has no hint any more of what was pruned, so that the next build writes it again', async () => {
    const cache = newCache();
    await build(await machine(), cache);
    const [spec] = cacheOf(cache);
    if (spec === undefined) throw new Error('there is one');
    const place = {
      spec,
      registry: { environment: {} },
      now: () => Date.now() + DAY,
      signal: new AbortController().signal,
    };
    const keys = async (): Promise<readonly string[]> => {
      const all: string[] = [];
      for await (const { key } of listSharedCache(place)) all.push(key);
      return all;
    };
    const before = await keys();
    expect(await pruneSharedCache({ ...place, olderThan: 0, dryRun: true })).toMatchObject({ removed: before.length });
    expect((await build(await machine(), cache)).cache).toMatchObject({ hints: 5, misses: 0 });
    expect(await pruneSharedCache({ ...place, olderThan: 0, dryRun: false })).toMatchObject({ kept: 0 });
    const again = await build(await machine(), cache);
    expect(again.cache).toMatchObject({ hints: 0, keys: 0, misses: 5 });
    expect(await keys()).toHaveLength(before.length);
  });

  it('shares with mode=min what the image has, and no more', async () => {
    const cache = newCache();
    await build(await machine(), cache, { more: ',mode=min' });
    const second = await build(await machine(), cache);
    // The build stage runs again; what it copied is the same.
    expect(second.cache).toMatchObject({ hints: 2, misses: 3 });
  });
});
