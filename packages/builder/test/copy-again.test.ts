import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildBench } from '../testing/build-bench.ts';

const DOCKERFILE = 'FROM scratch\nCOPY . /app/\n';
const FILES = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`d${i % 7}/f${i}`, `content of ${i}\n`]));

/** Long ago, so that no file is too fresh to be trusted. */
const OLD = 1_600_000_000;

describe('a COPY of files that were copied before', () => {
  let bench: BuildBench;
  let context: string;
  const age = (time: number): void => {
    for (const path of Object.keys(FILES)) utimesSync(join(context, path), time, time);
  };
  const layerOf = async (where: BuildBench): Promise<string> => {
    const { image } = await where.build(DOCKERFILE, { context });
    return image.layers.at(-1)?.digest ?? '';
  };
  const blobs = () => readdirSync(join(bench.directory, 'store/blobs/sha256')).length;
  beforeAll(async () => {
    bench = await BuildBench.make();
    context = bench.files('context', FILES);
    age(OLD);
    // Their ctime is now: wait until no write could leave the same.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await layerOf(bench);
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  it('writes no layer when only times changed', async () => {
    const before = blobs();
    age(OLD + 5);
    const { steps } = await bench.build(DOCKERFILE, { context });
    expect(steps).toMatchObject({ total: 1, cached: 1 });
    expect(blobs()).toBe(before);
  });

  it('writes the layer that a build from nothing writes, when one file changed', async () => {
    writeFileSync(join(context, 'd3/f3'), 'changed, and longer than it was\n');
    await using fresh = await BuildBench.make();
    expect(await layerOf(bench)).toBe(await layerOf(fresh));
  });

  it('takes nothing from a layer that was damaged in the store', async () => {
    const store = join(bench.directory, 'store');
    for (const name of readdirSync(join(store, 'blobs/sha256'))) {
      const path = join(store, 'blobs/sha256', name);
      if (statSync(path).size > 500_000)
        writeFileSync(
          path,
          readFileSync(path).map((byte) => byte ^ 1),
        );
    }
    writeFileSync(join(context, 'd4/f4'), 'changed as well\n');
    await using fresh = await BuildBench.make();
    expect(await layerOf(bench)).toBe(await layerOf(fresh));
  });
});
