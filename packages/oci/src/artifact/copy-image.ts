import { copyContent } from '../image/copy-content.ts';
import type { CopyOptions } from '../image/copy-content.ts';
import { toLayout } from '../layout/layout-image.ts';
import type { RegistryClient } from '../registry/client.ts';
import { registrySink } from '../registry/remote-image.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import { isIndexType, isManifestType } from '../spec/media-type.ts';
import { OciError } from '../spec/oci-error.ts';
import { formatReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { type ImageInPlace, openInLayout, openInRegistry, valueOf } from './image-in-place.ts';
import { referrersBelow } from './referrers-below.ts';

/** Where {@link copyImage} copies from and to. */
export type CopyPlace =
  | { readonly kind: 'registry'; readonly reference: Reference }
  /** A directory; `image` is a tag, name or digest there, and may be left out where there is one image. Of the target it says nothing. */
  | { readonly kind: 'layout'; readonly path: string; readonly image?: string };

/** What {@link copyImage} copied. */
export interface CopiedImage {
  /** Of the manifest or index: the same in both places. */
  readonly descriptor: Descriptor;
  /** What refers to it and to its manifests: signatures, SBOMs. */
  readonly referrers: readonly Descriptor[];
}

/**
 * Copies an image, or an index with all its images and attestations, byte for byte between registries and OCI layouts, and all
 * that refers to one of its manifests. The name moves last: who finds it finds the signatures. In a layout the image has the name
 * that it had.
 * @throws OciError of the places; `REFERENCE_INVALID` when the target is another image's digest
 * @example
 *   await copyImage(client, { kind: 'registry', reference }, { kind: 'layout', path: 'app' });
 */
export async function copyImage(
  client: RegistryClient,
  from: CopyPlace,
  to: CopyPlace,
  options: CopyOptions = {},
): Promise<CopiedImage> {
  const { signal } = options;
  const source =
    from.kind === 'registry'
      ? await openInRegistry(client, from.reference, signal)
      : await openInLayout(from.path, from.image);
  const target = to.kind === 'registry' ? registryTarget(client, to.reference, source, options) : undefined;
  await target?.image();
  const referrers = await referrersOf(source, signal);
  for (const found of referrers) {
    if (target !== undefined) await target.referrer(found);
    else if (to.kind === 'layout') await toLayout(await valueOf(source.content, found, signal), to.path, options);
  }
  if (target !== undefined) await target.name();
  else if (to.kind === 'layout') {
    const image = await valueOf(source.content, source.root, signal);
    await toLayout(image, to.path, { ...options, names: source.names });
  }
  const { mediaType, digest, size } = source.root;
  return { descriptor: { mediaType, digest, size }, referrers };
}

/** What refers to any of its manifests, by digest: the same copy gives the same layout. */
async function referrersOf(source: ImageInPlace, signal: AbortSignal | undefined): Promise<readonly Descriptor[]> {
  const own = manifestsOf(source);
  const referrers = new Map<Digest, Descriptor>();
  for (const manifest of own) {
    for await (const found of referrersBelow(manifest, (subject) => source.referrers(subject, signal))) {
      // An attestation of the index refers to its image, too.
      if (!own.has(found.digest)) referrers.set(found.digest, found);
    }
  }
  return [...referrers.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** A repository takes the image by its digest first, its referrers, then the tag. */
function registryTarget(client: RegistryClient, to: Reference, source: ImageInPlace, options: CopyOptions) {
  const { root, bytes, content } = source;
  const { registry, repository, tag } = to;
  if (to.digest !== undefined && to.digest !== root.digest) {
    throw new OciError(
      'REFERENCE_INVALID',
      `cannot copy to ${formatReference(to)}: the image's digest is ${root.digest}`,
    );
  }
  const sink = registrySink(client, { registry, repository }, options);
  return {
    image: () => copyContent(content, root, sink, options),
    referrer: (found: Descriptor) => copyContent(content, found, sink, options),
    name: async () => {
      if (tag !== undefined && to.digest === undefined)
        await client.pushManifest({ registry, repository, tag }, root, bytes, options.signal);
    },
  };
}

/** The document itself and what an index lists: each may be signed, attestations included. */
function manifestsOf({ root, bytes }: ImageInPlace): ReadonlySet<Digest> {
  if (!isIndexType(root.mediaType)) return new Set([root.digest]);
  const { manifests } = decodeImageIndex(bytes, root.mediaType);
  const listed = manifests.filter(({ mediaType }) => isIndexType(mediaType) || isManifestType(mediaType));
  return new Set([root.digest, ...listed.map(({ digest }) => digest)]);
}
