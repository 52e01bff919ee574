import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../src/spec/canonical-json.ts';
import { NO_CONTENT } from '../src/image/content-source.ts';
import {
  addImage,
  emptyIndex,
  indexOf,
  indexOfImages,
  removeImage,
  selectImage,
  withIndexAnnotations,
} from '../src/image/index-building.ts';
import { withLabels } from '../src/image/mutate.ts';
import { formatPlatform, parsePlatform } from '../src/spec/platform.ts';
import { sampleImage } from '../testing/sample-image.ts';

const image = (platform: string) =>
  sampleImage([[{ name: 'f', content: platform }]], { platform: parsePlatform(platform) });
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('an index', () => {
  it('holds one image for each platform and finds them again', async () => {
    const [amd64, arm] = [await image('linux/amd64'), await image('linux/arm/v7')];
    const index = indexOfImages([amd64, arm]);
    expect(index.index.manifests.map(({ platform }) => platform && formatPlatform(platform))).toEqual([
      'linux/amd64',
      'linux/arm/v7',
    ]);
    const chosen = await selectImage(index, parsePlatform('linux/arm/v7'));
    expect(chosen.descriptor).toEqual({
      ...arm.descriptor,
      platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
    });
    expect(chosen.rawConfig).toEqual(arm.rawConfig);
    for await (const chunk of chosen.layers[0]?.open() ?? []) expect(chunk.length).toBeGreaterThan(0);
    await expect(selectImage(index, parsePlatform('linux/s390x'))).rejects.toMatchObject({ code: 'PLATFORM_INVALID' });
  });

  it('replaces the image of a platform in its place', async () => {
    const [amd64, arm] = [await image('linux/amd64'), await image('linux/arm64')];
    const newer = withLabels(amd64, { version: '2' });
    const index = addImage(indexOfImages([amd64, arm]), newer, { annotations: { note: 'x' } });
    expect(index.index.manifests).toMatchObject([
      { digest: newer.descriptor.digest, annotations: { note: 'x' } },
      { digest: arm.descriptor.digest },
    ]);
    expect((await selectImage(index, parsePlatform('linux/amd64'))).config.config?.Labels).toEqual({ version: '2' });
  });

  it('takes images out by platform or digest, with what attests them', async () => {
    const [amd64, arm] = [await image('linux/amd64'), await image('linux/arm64')];
    const full = indexOfImages([amd64, arm]);
    const attestation = {
      ...arm.descriptor,
      digest: `sha256:${'a'.repeat(64)}`,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': arm.descriptor.digest,
      },
    };
    const document = {
      ...(JSON.parse(text(full.rawIndex)) as Record<string, JsonValue>),
      manifests: [...full.index.manifests, attestation],
    };
    const index = indexOf(new TextEncoder().encode(JSON.stringify(document)), full.content);
    expect(removeImage(index, parsePlatform('linux/arm64')).index.manifests).toEqual(
      removeImage(full, arm.descriptor.digest).index.manifests,
    );
    expect(removeImage(index, amd64.descriptor.digest).index.manifests).toHaveLength(2);
    expect(removeImage(index, parsePlatform('linux/s390x')).descriptor.digest).not.toBe(full.descriptor.digest);
  });

  it('keeps what nobody here knows, and sets annotations', () => {
    const raw = '{"schemaVersion":2,"x":1.0,"manifests":[]}';
    const index = indexOf(new TextEncoder().encode(raw), NO_CONTENT);
    const changed = withIndexAnnotations(index, { a: 'b' });
    expect(text(changed.rawIndex)).toBe('{"schemaVersion":2,"x":1.0,"manifests":[],"annotations":{"a":"b"}}');
    expect(text(withIndexAnnotations(changed, { a: undefined }).rawIndex)).toBe(raw);
    expect(emptyIndex().index.manifests).toEqual([]);
  });
});
