import { type Digest, formatReference, type Image, parseReference, type Platform, type Reference } from '@tsbuild/oci';
import { type RegistryOptions, type SignerKey, type StoredImage, toRegistry } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import { reachableLayers } from '../shared-cache/layers-at-hand.ts';
import { USUAL_PACKING } from '../source/pack-layer.ts';
import type { Packing } from '../source/remote-records.ts';
import type { Store } from '../store/store.ts';
import { homeOf, pushAccompanied } from './push-accompanied.ts';
import { asItWas, registryImages, registryIndex } from './push-index.ts';
import type { PushWork } from './push-layers.ts';
import { registryImage, rememberLayers } from './registry-image.ts';

/** An image in a registry. */
export interface PushResult {
  /** Of the manifest, as the registry has it now. */
  readonly digest: Digest;
  /** Of the manifest, bytes. */
  readonly size: number;
  readonly reference: string;
}

/** A key that signs what is pushed, and the time that the signatures say. Milliseconds since 1970. */
export interface PushSignature {
  readonly key: SignerKey;
  readonly created: number;
}

/** What {@link pushImage} works with. */
export interface PushOptions {
  readonly store: Store;
  readonly registry: RegistryOptions;
  /** The name in the registry; default the image's own. */
  readonly as?: string;
  /** Of an index, the image for this platform alone; all of them, and the index, unless told. */
  readonly platform?: Platform;
  /** Under its digest alone: no tag of the repository changes. */
  readonly byDigest?: boolean;
  /** Of the manifest; those of the image in the store unless told. The images of an index keep theirs. */
  readonly annotations?: ReadonlyMap<string, string>;
  /** Copies what refers to what was pulled, and to the manifests of an index (signatures, SBOMs), from where it came from. */
  readonly referrers?: boolean;
  /** Signs all of it with this key: the tag moves when the signatures are there. */
  readonly sign?: PushSignature;
  /** How layers are packed that no registry has packed already; gzip of level 5 unless told. */
  readonly packing?: Packing;
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

/**
 * Puts an image of the store into a registry, an index with all its images. Layers that came from a registry go as the very
 * bytes that they were there (mounted where it is the same registry); the others are compressed, deterministically, so that
 * what was pushed before is recognised and not sent again. What was pulled keeps its digest.
 * @throws OciError of the registry client and the store; `PLATFORM_INVALID` for an index of which neither the store nor the
 * repository has all images
 */
export async function pushImage(name: string, options: PushOptions): Promise<PushResult> {
  const { store, reporter, signal, platform } = options;
  await using _lease = await store.layout.lease();
  using access = new RegistryAccess(options.registry, reporter);
  const stored = await store.layout.resolve(name, platform === undefined ? {} : { platform });
  const index = platform === undefined ? await store.layout.index(stored) : undefined;
  const reference = parseReference(options.as ?? name);
  // Who may not even look need not wait until everything is compressed.
  await access.client().hasBlob(reference, stored.id, signal);
  await using reachable = reachableLayers(store, access.client, { registry: options.registry, signal });
  const work: PushWork = {
    store,
    provider: reachable.provider,
    client: access.client(),
    packing: options.packing ?? USUAL_PACKING,
    reporter,
    signal,
  };
  const images =
    index === undefined
      ? [await singleImage(stored, reference, work, options)]
      : await registryImages(index, reference, work);
  const image = index === undefined ? images[0] : await registryIndex(index, images, reference, work);
  if (image === undefined) throw new TypeError('one image is what there is without an index');
  const { registry, repository } = reference;
  const target = options.byDigest === true ? { registry, repository, digest: image.descriptor.digest } : reference;
  const home =
    options.referrers === true
      ? await homeOf(name, (index?.descriptor ?? stored.manifest).digest, image, store)
      : undefined;
  const { digest, size } =
    options.sign === undefined && home === undefined
      ? await toRegistry(access.client(), target, image, { signal })
      : await pushAccompanied(access.client(), target, image, { home, sign: options.sign, signal });
  for (const each of images) await rememberLayers(each, reference, work);
  return { digest, size, reference: formatReference(target) };
}

/** One that was pulled is the very manifest that it was, unless the caller says how it is to be. */
async function singleImage(
  stored: StoredImage,
  reference: Reference,
  work: PushWork,
  { annotations, packing }: PushOptions,
): Promise<Image> {
  const isOurs = annotations !== undefined || packing !== undefined;
  const known = isOurs ? undefined : await asItWas(stored, reference, work);
  return known ?? (await registryImage(stored, reference, work, annotations));
}
