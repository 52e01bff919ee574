import { sha256Digest } from '../../src/spec/digest.ts';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import type { Reference } from '../../src/spec/reference.ts';
import type { RegistryClient } from '../../src/registry/client.ts';
import { describeBytes, makeManifest, someBytes, sourceOf } from './content.ts';

/** What was pushed. */
export interface PushedImage {
  readonly descriptor: Descriptor;
  readonly manifest: Buffer;
  readonly layer: Buffer;
  readonly layerDescriptor: Descriptor;
}

/** Pushes an image of one small layer and gives its manifest back. */
export async function pushImage(registry: RegistryClient, reference: Reference, text = 'layer'): Promise<PushedImage> {
  const layer = someBytes(100_000, text);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [sha256Digest(layer)] },
    }),
  );
  const layerDescriptor = describeBytes(layer, MediaType.ociLayer);
  const configDescriptor = describeBytes(config, MediaType.ociConfig);
  await registry.pushBlob(reference, layerDescriptor, sourceOf(layer));
  await registry.pushBlob(reference, configDescriptor, sourceOf(config));
  const manifest = makeManifest(configDescriptor, [layerDescriptor]);
  const descriptor = describeBytes(manifest, MediaType.ociManifest);
  await registry.pushManifest(reference, descriptor, manifest);
  return { descriptor, manifest, layer, layerDescriptor };
}
