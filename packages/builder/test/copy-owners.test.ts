import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildBench } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';

// What Docker 20.10 and 26.1 do; the legacy builder made everything root's.
describe.skipIf(NO_SANDBOX !== '')(`COPY --from${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const STAGE = 'FROM busybox AS a\nRUN mkdir -p /w/d && echo f >/w/d/f && ln -s f /w/d/l && chown -R 12:34 /w\n';

  async function owners(flags: string): Promise<readonly string[]> {
    const { image } = await bench.build(`${STAGE}FROM scratch\nCOPY --from=a ${flags} /w /new/\n`);
    const index = await bench.store.indexes.get(image.layers[0]?.digest ?? 'sha256:');
    return [...index.entries()].map(({ path, uid, gid }) => `${path} ${uid}:${gid}`);
  }

  it('keeps the owners of the files; folders that it makes are root’s', async () => {
    const kept = ['new 0:0', 'new/d 12:34', 'new/d/f 12:34', 'new/d/l 12:34'];
    for (const flags of ['', '--link', '--chmod=755']) expect(await owners(flags), flags).toEqual(kept);
  });

  it('gives all of it to whom --chown names', async () => {
    expect(await owners('--chown=5:6')).toEqual(['new 5:6', 'new/d 5:6', 'new/d/f 5:6', 'new/d/l 5:6']);
  });
});
