import {
  type Digest,
  formatReference,
  indexOf,
  isIndexType,
  normalizePlatform,
  parsePlatform,
  parseReference,
  type Reference,
} from '@tsbuild/oci';
import {
  fromRegistry,
  hostPlatform,
  imageIdOf,
  registryContent,
  type RegistryOptions,
  type StoredImage,
} from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import type { Store } from '../store/store.ts';
import { bringImage, noteDocument, type RemoteIndexWork, storeRemoteIndex } from './pull-index.ts';

/** What {@link pullImage} works with. */
export interface PullOptions {
  readonly store: Store;
  readonly registry: RegistryOptions;
  /** `os/arch[/variant]`; default that of this machine. The image for it is stored by itself. */
  readonly platform?: string;
  /** Instead: several, or `all`; the index is stored, and those of its images. A reference without an index is as without. */
  readonly platforms?: readonly string[] | 'all';
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

/** What {@link pullImage} brought. */
export interface PullResult {
  /** Of an index, the image that its names mean here. */
  readonly image: StoredImage;
  /** Of the manifest or index in the registry. */
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
  await using _lease = await store.layout.lease();
  using access = new RegistryAccess(options.registry, reporter);
  const { client } = access;
  const before = await store.layout.find(formatReference(reference));
  const work = { store, client, signal };
  if (options.platforms !== undefined) {
    const pulled = await pullIndex(reference, options.platforms, work);
    if (pulled !== undefined) return { ...pulled, upToDate: before !== undefined && sameRoot(before, pulled.image) };
  }
  const wanted = options.platform ?? singlePlatform(options.platforms);
  const platform = wanted === undefined ? hostPlatform() : normalizePlatform(parsePlatform(wanted));
  const image = await fromRegistry(client(), reference, { platform, signal });
  const { config, layers } = await bringImage(image, reference, work);
  const stored = await store.layout.add({ config, layers }, [reference]);
  await noteDocument(stored.manifest.digest, image.rawManifest, image.descriptor, reference, store);
  return { image: stored, digest: image.descriptor.digest, upToDate: before !== undefined && sameRoot(before, stored) };
}

/** Undefined when the reference means an image for one platform. */
async function pullIndex(
  reference: Reference,
  platforms: readonly string[] | 'all',
  work: RemoteIndexWork,
): Promise<Omit<PullResult, 'upToDate'> | undefined> {
  const { store, client, signal } = work;
  const { descriptor, bytes } = await client().manifest(reference, signal);
  if (!isIndexType(descriptor.mediaType)) return undefined;
  const index = indexOf(bytes, registryContent(client(), reference), descriptor);
  const wanted = platforms === 'all' ? 'all' : platforms.map((text) => normalizePlatform(parsePlatform(text)));
  await storeRemoteIndex(index, reference, [reference], wanted, work);
  return { image: await store.layout.resolve(formatReference(reference)), digest: descriptor.digest };
}

function singlePlatform(platforms: PullOptions['platforms']): string | undefined {
  return platforms === 'all' ? undefined : platforms?.[0];
}

function sameRoot(before: StoredImage, now: StoredImage): boolean {
  return imageIdOf(before) === imageIdOf(now);
}
