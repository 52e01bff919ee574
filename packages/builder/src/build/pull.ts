import {
  type Descriptor,
  type Digest,
  formatReference,
  MediaType,
  normalizePlatform,
  parsePlatform,
  parseReference,
} from '@tsbuild/oci';
import { fromRegistry, hostPlatform, type RegistryOptions, type StoredImage } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import type { Store } from '../store/store.ts';

/** What {@link pullImage} works with. */
export interface PullOptions {
  readonly store: Store;
  readonly registry: RegistryOptions;
  /** `os/arch[/variant]`; default that of this machine. */
  readonly platform?: string;
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

export interface PullResult {
  readonly image: StoredImage;
  /** Of the manifest in the registry. */
  readonly digest: Digest;
  /** The store had the image under this name already. */
  readonly upToDate: boolean;
}

/**
 * Brings an image from its registry into the store under the same name, layers uncompressed; those that are there are not
 * fetched.
 * @throws OciError of the registry client, the decoders and the store
 */
export async function pullImage(name: string, options: PullOptions): Promise<PullResult> {
  const { store, reporter, signal } = options;
  const reference = parseReference(name);
  const platform = options.platform === undefined ? hostPlatform() : normalizePlatform(parsePlatform(options.platform));
  await using _lease = await store.layout.lease();
  using access = new RegistryAccess(options.registry, reporter);
  const before = await store.layout.find(formatReference(reference));
  const image = await fromRegistry(access.client(), reference, { platform, signal });
  const { registry, repository } = reference;
  for (const { diffID, descriptor } of image.layers) {
    await store.remotes.putLayer(diffID, { registry, repository, descriptor });
  }
  const infos = await store
    .layers(access.client, signal)
    .ensure(image.layers.map(({ diffID }) => ({ digest: diffID })));
  const layers = infos.map((info): Descriptor => ({ mediaType: MediaType.ociLayer, ...info }));
  const stored = await store.layout.add({ config: image.rawConfig, layers }, [reference]);
  return { image: stored, digest: image.descriptor.digest, upToDate: before?.id === stored.id };
}
