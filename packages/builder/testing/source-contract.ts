import { describe, expect, it } from 'vitest';
import type { Digest, Platform } from '@tsbuild/oci';
import type { Source } from '../src/source/source.ts';

const AMD64: Platform = { os: 'linux', architecture: 'amd64' };
const ARM64: Platform = { os: 'linux', architecture: 'arm64' };

/** A source that has one image, tag 1 of `repository`, for linux/amd64, with two layers. */
export interface SourceUnderTest {
  readonly source: Source;
  /** As people type it, e.g. `base`. */
  readonly repository: string;
  /** The same in full, e.g. `docker.io/library/base`. */
  readonly fullRepository: string;
  readonly layers: readonly { readonly digest: Digest }[];
}

/** The contract of {@link Source}; `factory` makes a source with the image described by {@link SourceUnderTest}. */
export function sourceContract(name: string, factory: () => Promise<SourceUnderTest>): void {
  describe(`${name} keeps the contract of Source`, () => {
    it('resolves an image to its config and layers, lowest first', async () => {
      const { source, layers, repository } = await factory();
      const image = await source.resolve(`${repository}:1`, AMD64);
      expect(image?.layers).toEqual(layers);
      expect(image?.config.rootfs.diff_ids).toEqual(layers.map(({ digest }) => digest));
    });

    it('takes familiar and full names alike', async () => {
      const { source, repository, fullRepository } = await factory();
      const short = await source.resolve(`${repository}:1`, AMD64);
      const full = await source.resolve(`${fullRepository}:1`, AMD64);
      expect(full?.config).toEqual(short?.config);
    });

    it.each(['', ':2', '-other:1', '/below:1'])('does not have base%s', async (rest) => {
      const { source, fullRepository } = await factory();
      expect(await source.resolve(`${fullRepository}${rest}`, AMD64)).toBeUndefined();
    });

    it('does not have it for another platform', async () => {
      const { source, repository } = await factory();
      const resolved = source.resolve(`${repository}:1`, ARM64).catch((error: { readonly code: string }) => error.code);
      expect([undefined, 'BASE_NOT_FOUND']).toContain(await resolved);
    });

    it.each(['Base:1', 'a b', 'base:', ':1', 'base@sha256:12'])('refuses %j, which is no name', async (wrong) => {
      const { source } = await factory();
      await expect(source.resolve(wrong, AMD64)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
    });
  });
}
