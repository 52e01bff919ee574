import { encodeImageConfig, MediaType, parseReference, type Platform } from '@tsbuild/oci';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTar } from '../../oci/testing/make-tar.ts';
import { BuildBench } from '../testing/build-bench.ts';

const AMD64: Platform = { os: 'linux', architecture: 'amd64', 'os.version': '5.10.1' };
const ARM: Platform = { os: 'linux', architecture: 'arm', variant: 'v6', 'os.version': '6.1' };
/** Whoever does not ask for its features does not get it. */
const S390X: Platform = { os: 'linux', architecture: 's390x', 'os.features': ['second', 'first'] };
const ALL = [AMD64, ARM, S390X];
const NAMES = ['linux/amd64', 'linux/arm/v6', 'linux(+first+second)/s390x'];
const DOCKERFILE = 'FROM system\nCOPY <<x /x\nX\nx\n';

describe('what a base says of its system (os.version, os.features)', () => {
  let bench: BuildBench;
  beforeAll(async () => {
    bench = await BuildBench.make();
    const { layout } = bench.store;
    const members = [];
    for (const platform of ALL) {
      const bytes = makeTar([{ name: 'of', content: platform.architecture, mode: 0o644 }]);
      const layer = { mediaType: MediaType.ociLayer, ...(await layout.blobs.put(bytes)) };
      const rootfs = { type: 'layers' as const, diff_ids: [layer.digest] };
      const config = encodeImageConfig({ ...platform, config: {}, rootfs });
      members.push({ manifest: (await layout.addUnlisted({ config, layers: [layer] })).manifest });
    }
    await layout.addIndex({ members }, [parseReference('system')]);
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  /** What the images say, and what the index says of them. */
  async function built(dockerfile: string, platforms: readonly string[]) {
    const tags = ['app'];
    const { image, platforms: each } = await bench.build(dockerfile, { platforms, tags });
    const index = await bench.store.layout.index(image);
    const configs = each.map(({ image: { config } }) => config);
    return { configs, entries: index?.images.map(({ platform }) => platform) };
  }

  it('is said by the image of each platform, and by the index of it', async () => {
    for (const platforms of [NAMES, ['all']]) {
      const { configs, entries } = await built(DOCKERFILE, platforms);
      expect(configs).toMatchObject(ALL);
      expect(entries).toEqual(ALL);
    }
  });

  it('is said by the image of one platform, and of what is built on it', async () => {
    expect((await built(DOCKERFILE, ['linux/amd64'])).configs).toMatchObject([AMD64]);
    expect((await bench.store.layout.resolve('app')).manifest.platform).toEqual(AMD64);
    expect((await built('FROM app\nENV A=1\n', ['linux/amd64'])).configs).toMatchObject([AMD64]);
    expect((await built('FROM system AS a\nFROM a\nENV A=1\n', ['linux/arm/v6'])).configs).toMatchObject([ARM]);
    expect((await built(DOCKERFILE, NAMES.slice(2))).configs).toMatchObject([S390X]);
  });

  it('is nothing that files bring along', async () => {
    const { configs, entries } = await built('FROM scratch\nCOPY --from=system /of /\n', [
      'linux/amd64',
      'linux/arm/v6',
    ]);
    for (const said of [...configs, ...(entries ?? [])]) {
      expect(Object.keys(said).filter((name) => name.startsWith('os.'))).toEqual([]);
    }
  });
});
