import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOfImages } from '../src/image/index-building.ts';
import { fromLayout, toLayout } from '../src/layout/layout-image.ts';
import { appendLayers, withLabels } from '../src/image/mutate.ts';
import { parsePlatform } from '../src/spec/platform.ts';
import { parseReference } from '../src/spec/reference.ts';
import { RegistryClient } from '../src/registry/client.ts';
import { fromRegistry, indexFromRegistry, toRegistry } from '../src/registry/remote-image.ts';
import { findProgram, NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../testing/docker-registry.ts';
import type { DockerRegistry } from '../testing/docker-registry.ts';
import { sampleImage, sampleLayer } from '../testing/sample-image.ts';
import { scratchFolders } from '../testing/scratch.ts';

const folder = scratchFolders();
const noSkopeo = findProgram('skopeo') === undefined;

describe.skipIf(SKIP_REGISTRY)(`images in docker-registry${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let client: RegistryClient;
  const reference = (name: string) => parseReference(`${registry.host}/${name}`);
  const sample = (platform = 'linux/amd64') =>
    sampleImage([[{ name: 'f', content: platform.repeat(99) }]], { platform: parsePlatform(platform) });

  beforeAll(async () => {
    registry = await startDockerRegistry();
    client = new RegistryClient({ credentials: async () => undefined });
  });
  afterAll(async () => {
    client.close();
    await registry.stop();
  });

  it('go there and come back the same', async () => {
    const sent = await sample();
    await toRegistry(client, reference('app:1'), sent);
    const got = await fromRegistry(client, reference('app:1'));
    expect(Buffer.compare(got.rawManifest, sent.rawManifest)).toBe(0);
    const root = folder();
    await toLayout(got, root);
    expect((await fromLayout(root)).descriptor.digest).toBe(sent.descriptor.digest);
  });

  it.skipIf(noSkopeo)('are pulled, changed and pushed, and skopeo agrees (needs skopeo)', async () => {
    await toRegistry(client, reference('base:1'), await sample());
    const base = await fromRegistry(client, reference('base:1'));
    const layer = await sampleLayer([{ name: 'added', content: 'x' }]);
    const app = withLabels(appendLayers(base, [{ layer, history: { created_by: 'example' } }]), { team: 'web' });
    await toRegistry(client, reference('other/app:2'), app);
    const url = `docker://${registry.host}/other/app:2`;
    const seen = JSON.parse(
      execFileSync('skopeo', ['inspect', '--tls-verify=false', url], { encoding: 'utf8' }),
    ) as object;
    expect(seen).toMatchObject({
      Digest: app.descriptor.digest,
      Labels: { team: 'web' },
      Layers: app.layers.map(({ descriptor }) => descriptor.digest),
    });
  });

  it('for several platforms have one name', async () => {
    const images = [await sample(), await sample('linux/arm64')];
    await toRegistry(client, reference('multi:1'), indexOfImages(images));
    expect((await indexFromRegistry(client, reference('multi:1'))).index.manifests).toHaveLength(2);
    const arm = await fromRegistry(client, reference('multi:1'), { platform: parsePlatform('linux/arm64') });
    expect(arm.config.architecture).toBe('arm64');
    for await (const chunk of arm.layers[0]?.open() ?? []) expect(chunk.length).toBeGreaterThan(0);
  });
});
