import {
  addEntry,
  blobContent,
  contentOf,
  type ContentSource,
  decodeManifest,
  type Descriptor,
  type Digest,
  emptyIndex,
  formatReference,
  type Image,
  type MultiPlatformImage,
  OciError,
  parseReference,
  type Reference,
  withIndexAnnotations,
} from '@tsbuild/oci';
import { copyReferrers, type RegistryClient, toRegistry } from '@tsbuild/oci/node';
import type { PushResult } from './push.ts';
import type { PushWork } from './push-layers.ts';
import { registryImage } from './registry-image.ts';
import { reachableLayers } from '../shared-cache/layers-at-hand.ts';
import { USUAL_PACKING } from '../source/pack-layer.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import type { IndexSource, SourceMember, SourceWork } from './index-sources.ts';
import { annotationsFor, localContent, type MakeIndexOptions, membersOfSources, platformFor } from './make-index.ts';

/** What {@link pushNewIndex} works with. */
export interface PushNewIndexOptions extends MakeIndexOptions {
  /** Copies what refers to the images that a registry has (signatures, SBOMs) from their repositories. */
  readonly referrers?: boolean;
}

/**
 * As `makeIndex()`, but the index goes to the registry of its name, and no layer of an image that a registry has is
 * fetched: the registry takes it from the other repository.
 */
export async function pushNewIndex(
  name: string,
  sources: readonly IndexSource[],
  options: PushNewIndexOptions,
): Promise<PushResult> {
  const { store, signal, reporter } = options;
  const reference = parseReference(name);
  await using _lease = await store.layout.lease();
  using access = new RegistryAccess(options.registry, reporter);
  const client = access.client();
  await using reachable = reachableLayers(store, access.client, { registry: options.registry, signal });
  const work = { store, client: access.client, signal };
  const packing = USUAL_PACKING;
  const push: PushWork = { store, provider: reachable.provider, client, packing, reporter, signal };
  const own = new Map<Digest, Digest>();
  let index = emptyIndex();
  const homes = new Homes();
  const moved: Reference[] = [];
  for (const member of await membersOfSources(sources, work)) {
    const image = await packedImage(member, reference, work, push);
    if (image !== undefined) own.set(member.entry.digest, image.descriptor.digest);
    const { platform } = platformFor(member);
    const annotations = annotationsFor(member.entry, platform, own, options);
    if (image !== undefined) homes.addImage(image);
    else await homes.addArtifact(member.entry, member.content ?? blobContent(store.layout.blobs));
    const { mediaType, digest, size } = image?.descriptor ?? member.entry;
    if (member.reference !== undefined) moved.push({ ...placeIn(member.reference), digest });
    const isAnnotated = Object.keys(annotations).length > 0;
    const said = { ...(isAnnotated && { annotations }), ...(platform !== undefined && { platform }) };
    index = addEntry(index, { mediaType, digest, size, ...said }, homes, { replace: false });
  }
  if (options.annotations !== undefined) index = withIndexAnnotations(index, options.annotations);
  if (options.referrers === true) await bringCompany(client, reference, { index, moved }, signal);
  const { digest, size } = await toRegistry(client, reference, index, { signal });
  return { digest, size, reference: formatReference(reference) };
}

/** Signatures of images are there before the tag leads to these. In the images' own repository they are already. */
async function bringCompany(
  client: RegistryClient,
  target: Reference,
  { index, moved }: { readonly index: MultiPlatformImage; readonly moved: readonly Reference[] },
  signal: AbortSignal,
): Promise<void> {
  const place = placeIn(target);
  await toRegistry(client, { ...place, digest: index.descriptor.digest }, index, { signal });
  for (const from of moved) {
    if (from.registry === place.registry && from.repository === place.repository) continue;
    await copyReferrers(client, from, place, { signal });
  }
}

function placeIn({ registry, repository }: Reference): Pick<Reference, 'registry' | 'repository'> {
  return { registry, repository };
}

/** The member as the registry is to have it; undefined for an attestation, which stays as it is. */
async function packedImage(
  member: SourceMember,
  target: Reference,
  work: SourceWork,
  push: PushWork,
): Promise<Image | undefined> {
  if (member.platform === undefined) return undefined;
  if (member.image !== undefined && member.reference !== undefined) return member.image;
  if (member.stored !== undefined) return registryImage(member.stored, target, push);
  if (member.image === undefined) return undefined;
  const stored = await work.store.layout.addUnlisted(await localContent(member.image, work));
  return registryImage(stored, target, push);
}

/** Where each blob of a new index is. */
class Homes implements ContentSource {
  readonly #homes = new Map<Digest, ContentSource>();

  addImage(image: Image): void {
    const home = contentOf(image);
    const layers = image.layers.map(({ descriptor }) => descriptor);
    for (const { digest } of [image.descriptor, image.manifest.config, ...layers]) this.#homes.set(digest, home);
  }

  async addArtifact(manifest: Descriptor, home: ContentSource): Promise<void> {
    const { config, layers } = decodeManifest(await home.document(manifest), manifest.mediaType);
    for (const { digest } of [manifest, config, ...layers]) this.#homes.set(digest, home);
  }

  document(descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#home(descriptor).document(descriptor, signal);
  }

  blob(descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#home(descriptor).blob(descriptor, signal);
  }

  origin(descriptor: Descriptor): ReturnType<NonNullable<ContentSource['origin']>> {
    return this.#home(descriptor).origin?.(descriptor);
  }

  #home({ digest }: Descriptor): ContentSource {
    const home = this.#homes.get(digest);
    if (home === undefined) throw new OciError('BLOB_NOT_FOUND', `${digest} is in no source`, { fields: { digest } });
    return home;
  }
}
