import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QuirkyRegistry } from '../../testing/quirky-registry/server.ts';
import { sampleImage } from '../../testing/sample-image.ts';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { indexOfImages } from '../../src/image/index-building.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { withPlatform } from '../../src/image/mutate.ts';
import { parsePlatform } from '../../src/spec/platform.ts';
import { parseReference } from '../../src/spec/reference.ts';
import type { Reference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { copyReferrers } from '../../src/artifact/copy-referrers.ts';
import { keepPlatforms } from '../../src/image/keep-platforms.ts';
import { fromRegistry, indexFromRegistry, toRegistry } from '../../src/registry/remote-image.ts';
import { describeBytes, makeManifest, quietOptions, sourceOf } from '../registry/content.ts';

let registry: QuirkyRegistry;
let client: RegistryClient;
beforeEach(async () => {
  registry = await QuirkyRegistry.start('dist3');
  client = new RegistryClient(quietOptions());
});
afterEach(async () => {
  client.close();
  await registry[Symbol.asyncDispose]();
});
const named = (name: string): Reference => parseReference(`${registry.host}/${name}`);

describe('copyReferrers', () => {
  async function attach(subject: Descriptor, artifactType: string): Promise<Descriptor> {
    const config = Buffer.from('{}');
    const described = describeBytes(config, MediaType.ociConfig);
    await client.pushBlob(named('from'), described, sourceOf(config));
    const bytes = makeManifest(described, [], { artifactType, subject });
    const attached = describeBytes(bytes, MediaType.ociManifest);
    await client.pushManifest(named(`from@${attached.digest}`), attached, bytes);
    return attached;
  }

  it('copies what refers to an image, and what refers to that', async () => {
    const image = await sampleImage([[{ name: 'a', content: 'a' }]]);
    await toRegistry(client, named('from:1'), image);
    const sbom = await attach(image.descriptor, 'x/sbom');
    const signature = await attach(sbom, 'x/signature');
    const other = await attach(image.descriptor, 'x/other');
    await toRegistry(
      client,
      named('to:1'),
      await fromRegistry(client, named('from:1'), { platform: parsePlatform('linux/amd64') }),
    );
    const digests = (list: readonly Descriptor[]): string[] => list.map(({ digest }) => digest).toSorted();
    const some = await copyReferrers(client, named('from:1'), named('to'), { artifactType: 'x/sbom' });
    expect(digests(some)).toEqual(digests([sbom, signature]));
    expect(digests(await client.referrers(named('to:1')))).toEqual([sbom.digest]);
    expect(digests(await copyReferrers(client, named('from:1'), named('to')))).toEqual(
      digests([sbom, signature, other]),
    );
    expect(digests(await client.referrers(named('to:1')))).toEqual(digests([sbom, other]));
    expect(digests(await client.referrers(named(`to@${sbom.digest}`)))).toEqual([signature.digest]);
  });
});

describe('keepPlatforms', () => {
  it('copies a part of an index, and nothing of the rest', async () => {
    const sample = await sampleImage([[{ name: 'a', content: 'a' }]]);
    const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x'].map((text) => parsePlatform(text));
    const index = indexOfImages(platforms.map((platform) => withPlatform(sample, platform)));
    await toRegistry(client, named('all:1'), index);
    const all = await indexFromRegistry(client, named('all:1'));
    const some = keepPlatforms(all, platforms.slice(0, 2));
    await toRegistry(client, named('some:1'), some);
    const copied = await indexFromRegistry(client, named('some:1'));
    expect(copied.index.manifests).toEqual(all.index.manifests.slice(0, 2));
    expect(registry.repository('some').manifests.size).toBe(3);
    expect(() => keepPlatforms(all, [parsePlatform('linux/riscv64')])).toThrow(/no image for linux\/riscv64/);
  });
});
