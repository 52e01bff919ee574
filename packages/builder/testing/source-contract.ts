import { describe, expect, it } from 'vitest';
import type { Digest, Platform } from '@tsbuild/oci';
import type { Source } from '../src/source/source.ts';

const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
const ARM64: Platform = { os: 'linux', architecture: 'arm64' };

/** A source that has one image, `base:1`, for linux/amd64, with two layers. */
export interface SourceUnderTest {
  readonly source: Source;
  readonly layers: readonly { readonly digest: Digest }[];
}

/** The contract of {@link Source}; `factory` makes a source with the image described by {@link SourceUnderTest}. */
export function sourceContract(name: string, factory: () => Promise<SourceUnderTest>): void {
  describe(`${name} keeps the contract of Source`, () => {
    it('resolves an image to its config and layers, lowest first', async () => {
      const { source, layers } = await factory();
      const image = await source.resolve('base:1', AMD64);
      expect(image?.layers).toEqual(layers);
      expect(image?.config.rootfs.diff_ids).toEqual(layers.map(({ digest }) => digest));
    });

    it('takes familiar and full names alike', async () => {
      const { source } = await factory();
      const short = await source.resolve('base:1', AMD64);
      const full = await source.resolve('docker.io/library/base:1', AMD64);
      expect(full?.config).toEqual(short?.config);
    });

    it.each(['base', 'base:2', 'other:1', 'registry.example/base:1'])('does not have %s', async (missing) => {
      const { source } = await factory();
      expect(await source.resolve(missing, AMD64)).toBeUndefined();
    });

    it('does not have it for another platform', async () => {
      const { source } = await factory();
      expect(await source.resolve('base:1', ARM64)).toBeUndefined();
    });

    it.each(['Base:1', 'a b', 'base:', ':1', 'base@sha256:12'])('refuses %j, which is no name', async (wrong) => {
      const { source } = await factory();
      await expect(source.resolve(wrong, AMD64)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
    });
  });
}
