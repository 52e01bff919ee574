import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { blobContent } from '../../src/image/content-source.ts';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { decodeImageIndex } from '../../src/spec/image-index.ts';
import { emptyImage } from '../../src/image/image-value.ts';
import type { Image } from '../../src/image/image-value.ts';
import { addImage, indexOf, indexOfImages, removeImage, selectImage } from '../../src/image/index-building.ts';
import type { MultiPlatformImage } from '../../src/image/index-building.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { formatPlatform, parsePlatform } from '../../src/spec/platform.ts';

const image = (platform: string): Image => emptyImage(parsePlatform(platform));
const chosen = async (index: MultiPlatformImage, platform: string): Promise<string> => {
  const { config } = await selectImage(index, parsePlatform(platform));
  return formatPlatform(config);
};
const platformsOf = (index: MultiPlatformImage): readonly string[] =>
  index.index.manifests.map(({ platform }) => (platform === undefined ? '' : formatPlatform(platform)));

describe('versions and features of the system', () => {
  const windows = indexOfImages(
    ['10.0.17763.1', '10.0.20348.2', '10.0.20348.9', '10.0.20348.5'].map((version) =>
      image(`windows(${version})/amd64`),
    ),
  );

  it.each([
    ['windows(10.0.20348.5)/amd64', 'windows(10.0.20348.5)/amd64'],
    ['windows(10.0.20348.7)/amd64', 'windows(10.0.20348.9)/amd64'],
    ['windows(10.0.20348)/amd64', 'windows(10.0.20348.9)/amd64'],
    ['windows/amd64', 'windows(10.0.17763.1)/amd64'],
  ])('%s gets %s', async (wanted, expected) => {
    expect(await chosen(windows, wanted)).toBe(expected);
  });

  it('of another build are never taken', async () => {
    await expect(chosen(windows, 'windows(10.0.26100.1)/amd64')).rejects.toMatchObject({
      code: 'PLATFORM_INVALID',
      message: expect.stringContaining(
        'there is no image for windows(10.0.26100.1)/amd64; available: windows(10.0.17763.1)/amd64',
      ),
    });
  });

  it('an image without a version is taken where none of the build is there', async () => {
    expect(await chosen(addImage(windows, image('windows/amd64')), 'windows(10.0.26100.1)/amd64')).toBe(
      'windows/amd64',
    );
  });

  it('features that an image needs must be wanted', async () => {
    const linux = indexOfImages([image('linux(+erofs)/amd64'), image('linux/amd64'), image('linux(+a+erofs)/amd64')]);
    expect(await chosen(linux, 'linux/amd64')).toBe('linux/amd64');
    expect(await chosen(linux, 'linux(+erofs)/amd64')).toBe('linux(+erofs)/amd64');
    expect(await chosen(linux, 'linux(+erofs+a)/amd64')).toBe('linux(+a+erofs)/amd64');
    expect(await chosen(indexOfImages([image('windows(+win32k)/amd64'), image('linux/amd64')]), 'windows/amd64')).toBe(
      'windows(+win32k)/amd64',
    );
    await expect(
      chosen(indexOfImages([image('linux(+erofs)/amd64'), image('linux/s390x')]), 'linux/amd64'),
    ).rejects.toThrow('available: linux(+erofs)/amd64, linux/s390x');
  });

  it('make entries of their own, and are replaced alone', () => {
    expect(platformsOf(windows)).toHaveLength(4);
    const linux = indexOfImages([image('linux/amd64'), image('linux(+erofs)/amd64'), image('linux/amd64')]);
    expect(platformsOf(linux)).toEqual(['linux/amd64', 'linux(+erofs)/amd64']);
    expect(platformsOf(removeImage(windows, parsePlatform('windows(10.0.17763.1)/amd64')))).toHaveLength(3);
    expect(platformsOf(removeImage(windows, parsePlatform('windows/amd64')))).toEqual([]);
  });
});

describe('entries without a platform', () => {
  const amd64 = image('linux/amd64');
  const inner = indexOfImages([amd64]);
  const other = { mediaType: MediaType.ociManifest, digest: `sha256:${'2'.repeat(64)}`, size: 2 } as const;

  async function index(
    manifests: readonly Descriptor[],
    ...stored: readonly Uint8Array[]
  ): Promise<MultiPlatformImage> {
    const blobs = new MemoryBlobStore();
    for (const bytes of [inner.rawIndex, amd64.rawManifest, amd64.rawConfig, ...stored]) await blobs.put(bytes);
    const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
    return indexOf(Buffer.from(text), blobContent(blobs));
  }
  const s390x = { ...other, platform: parsePlatform('linux/s390x') };

  it('are looked into: an index, and an image by its config', async () => {
    for (const { descriptor } of [inner, amd64]) {
      expect(await chosen(await index([descriptor, s390x]), 'linux/amd64')).toBe('linux/amd64');
    }
  });

  it('are not read where another entry fits, and not taken where they do not', async () => {
    const { platform: _, ...unread } = s390x;
    const fitting = { ...amd64.descriptor, platform: parsePlatform('linux/amd64') };
    expect(await chosen(await index([unread, fitting]), 'linux/amd64')).toBe('linux/amd64');
    await expect(chosen(await index([amd64.descriptor, s390x]), 'linux/arm64')).rejects.toThrow(
      'available: linux/s390x, linux/amd64',
    );
  });

  it('and artifacts are no images', async () => {
    const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: `sha256:${'4'.repeat(64)}`, size: 2 };
    const artifact = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [], artifactType: 'x/y' }),
    );
    const blobs = new MemoryBlobStore();
    const descriptor = { mediaType: MediaType.ociManifest, ...(await blobs.put(artifact)) };
    expect(await chosen(await index([descriptor, amd64.descriptor, s390x], artifact), 'linux/amd64')).toBe(
      'linux/amd64',
    );
  });

  it('in indexes that name each other end', async () => {
    const many = Array.from({ length: 50 }, () => inner.descriptor);
    expect(await chosen(await index([...many, s390x]), 'linux/amd64')).toBe('linux/amd64');
  });
});

it('an index with digests of unknown algorithms is read, kept and added to', () => {
  const foreign = 'sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564';
  const text = (digest: string): Uint8Array =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        manifests: [{ mediaType: MediaType.ociManifest, digest, size: 1, 'x-y': 1 }],
      }),
    );
  const added = addImage(indexOf(text(foreign), blobContent(new MemoryBlobStore())), image('linux/amd64'));
  expect(JSON.parse(Buffer.from(added.rawIndex).toString())).toMatchObject({
    manifests: [{ digest: foreign, 'x-y': 1 }, {}],
  });
  for (const bad of [
    'sha256:abc',
    'sha512:00',
    'md5:../x',
    'MD5:aa',
    'md5:',
    'md5',
    ':aa',
    'a..b:aa',
    `sha256:${'A'.repeat(64)}`,
  ]) {
    expect(() => decodeImageIndex(text(bad)), bad).toThrow(/must be a digest/);
  }
});
