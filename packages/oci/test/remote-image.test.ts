import { describe, expect, it } from 'vitest';
import { indexOfImages } from '../src/image/index-building.ts';
import { appendLayers } from '../src/image/mutate.ts';
import { parsePlatform } from '../src/spec/platform.ts';
import { parseReference } from '../src/spec/reference.ts';
import { fromRegistry, indexFromRegistry, toRegistry } from '../src/registry/remote-image.ts';
import { FakeRegistry } from '../testing/fake-registry.ts';
import { sampleImage, sampleLayer } from '../testing/sample-image.ts';

const reference = parseReference('example.com/team/app:1');
const image = (platform = 'linux/amd64') =>
  sampleImage([[{ name: 'f', content: platform }]], { platform: parsePlatform(platform) });

describe('a registry', () => {
  it('takes an image and gives the very same back, layers when they are opened', async () => {
    const registry = new FakeRegistry();
    const sent = await image();
    expect(await toRegistry(registry, reference, sent)).toBe(sent.descriptor);
    registry.log.length = 0;
    const got = await fromRegistry(registry, reference);
    expect(Buffer.compare(got.rawManifest, sent.rawManifest)).toBe(0);
    expect(registry.log).toEqual(['manifest 1', 'blob application/vnd.oci.image.config.v1+json']);
    for await (const chunk of got.layers[0]?.open() ?? []) expect(chunk.length).toBe(sent.layers[0]?.descriptor.size);
    expect(got.layers[0]?.origin).toEqual({ registry: 'example.com', repository: 'team/app' });
  });

  it('takes an index with all its images, the name last', async () => {
    const registry = new FakeRegistry();
    const [one, two] = [await image(), await image('linux/arm64')];
    const index = indexOfImages([one, two]);
    await toRegistry(registry, reference, index, { parallel: 1 });
    expect(registry.log).toEqual([...Array(4).fill('uploaded'), 'push by digest', 'push by digest', 'push 1']);
    const back = await indexFromRegistry(registry, reference);
    expect(back.descriptor.digest).toBe(index.descriptor.digest);
    const arm = await fromRegistry(registry, reference, { platform: parsePlatform('linux/arm64') });
    expect(arm.descriptor.digest).toBe(two.descriptor.digest);
    await expect(fromRegistry(registry, reference, { platform: parsePlatform('linux/s390x') })).rejects.toMatchObject({
      code: 'PLATFORM_INVALID',
    });
    await expect(
      indexFromRegistry(registry, { ...reference, tag: undefined as never, digest: one.descriptor.digest }),
    ).rejects.toMatchObject({
      code: 'INDEX_INVALID',
    });
  });

  it('mounts what another repository of it has, and sends nothing twice', async () => {
    const registry = new FakeRegistry();
    await toRegistry(registry, reference, await image());
    const base = await fromRegistry(registry, reference);
    const app = appendLayers(base, [{ layer: await sampleLayer([{ name: 'g' }]) }]);
    registry.log.length = 0;
    await toRegistry(registry, parseReference('example.com/other:2'), app, { parallel: 1 });
    expect(registry.log.filter((line) => !line.startsWith('blob'))).toEqual([
      'uploaded',
      'mounted',
      'uploaded',
      'push 2',
    ]);
    registry.log.length = 0;
    await toRegistry(registry, parseReference('example.com/other:3'), app);
    expect(registry.log).toEqual(['exists', 'exists', 'exists', 'push 3']);
    registry.log.length = 0;
    await toRegistry(registry, parseReference('elsewhere.com/other:2'), app);
    expect(registry.log).not.toContain('mounted');
  });

  it('refuses to push under the digest of another image', async () => {
    const [one, two] = [await image(), await image('linux/arm64')];
    const wrong = { registry: 'example.com', repository: 'app', digest: two.descriptor.digest };
    await expect(toRegistry(new FakeRegistry(), wrong, one)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
  });

  it('is not believed when it gives another document than asked for', async () => {
    const registry = new FakeRegistry();
    const index = indexOfImages([await image(), await image('linux/arm64')]);
    await toRegistry(registry, reference, index);
    const lying = {
      blob: registry.blob.bind(registry),
      manifest: async (asked: typeof reference) => {
        const answer = await registry.manifest(asked);
        return asked.digest === undefined
          ? answer
          : { ...answer, bytes: new TextEncoder().encode(`${new TextDecoder().decode(answer.bytes)} `) };
      },
    };
    await expect(fromRegistry(lying, reference, { platform: parsePlatform('linux/arm64') })).rejects.toMatchObject({
      code: 'BLOB_CORRUPT',
    });
  });
});
