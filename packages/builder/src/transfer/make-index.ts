import {
  copyContent,
  type Descriptor,
  type Digest,
  formatPlatform,
  type Image,
  MediaType,
  normalizePlatform,
  parseReference,
  platformOf,
  type Platform,
  samePlatform,
} from '@tsbuild/oci';
import { ATTESTED, ofAttested, storePackedLayer } from '@tsbuild/oci/internal';
import { blobSink, type ImageContent, type RegistryOptions, type StoredIndex } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { ProgressReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import type { Store } from '../store/store.ts';
import { type IndexSource, membersOfSource, type SourceMember, type SourceWork } from './index-sources.ts';
import { bringImage, noteDocument } from './pull-index.ts';

/** What {@link makeIndex} works with. */
export interface MakeIndexOptions {
  readonly store: Store;
  readonly registry: RegistryOptions;
  /** Of the index. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of its entries: all, or that for a platform. */
  readonly entryAnnotations?: readonly { readonly platform?: Platform; readonly key: string; readonly value: string }[];
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

/**
 * Makes one multi-platform image of images that were built apart, one for each platform, and stores it under `name`. Of sources
 * that are indexes all images come in, with what attests them.
 * @throws BuildError `OPTION_INVALID` when two images are for one platform; OciError of the places
 */
export async function makeIndex(
  name: string,
  sources: readonly IndexSource[],
  options: MakeIndexOptions,
): Promise<StoredIndex> {
  const { store, signal } = options;
  const reference = parseReference(name);
  await using _lease = await store.layout.lease();
  using access = new RegistryAccess(options.registry, options.reporter);
  const work = { store, client: access.client, signal };
  const members: { readonly entry: Descriptor; readonly manifest: Descriptor; readonly platform?: Platform }[] = [];
  for (const member of await membersOfSources(sources, work)) {
    const manifest = await storedManifest(member, work);
    members.push({ entry: member.entry, manifest, ...platformFor(member) });
  }
  const own = new Map(members.map(({ entry, manifest }) => [entry.digest, manifest.digest]));
  const content = members.map(({ entry, manifest, platform }) => {
    const annotations = annotationsFor(entry, platform, own, options);
    return { manifest: bare(manifest), ...(platform !== undefined && { platform }), annotations };
  });
  const { annotations } = options;
  const stored = { members: content, ...(annotations !== undefined && { annotations }) };
  return store.layout.addIndex(stored, [reference]);
}

/** All that the sources have. @throws BuildError `OPTION_INVALID` when two images are for one platform */
export async function membersOfSources(
  sources: readonly IndexSource[],
  work: SourceWork,
): Promise<readonly SourceMember[]> {
  const members: SourceMember[] = [];
  const taken = new Map<string, string>();
  for (const source of sources) {
    for (const member of await membersOfSource(source, work)) {
      const platform = member.platform && formatPlatform(normalizePlatform(member.platform));
      const other = platform && taken.get(platform);
      if (other !== undefined && platform !== undefined) {
        const both = other === member.from ? `${other} has two images` : `${other} and ${member.from} are both`;
        throw new BuildError('OPTION_INVALID', `cannot make the index: ${both} for ${platform}`, {
          hint: 'an index has one image for each platform; build the others with --platform',
        });
      }
      if (platform !== undefined) taken.set(platform, member.from);
      members.push(member);
    }
  }
  return members;
}

/** The manifest of a member in the store. */
async function storedManifest(member: SourceMember, work: SourceWork): Promise<Descriptor> {
  const { stored, image, entry, content, reference } = member;
  const { store, signal } = work;
  if (stored !== undefined) return stored.manifest;
  if (image === undefined) {
    if (content !== undefined) await copyContent(content, entry, blobSink(store.layout.blobs), { signal });
    return entry;
  }
  const brought = reference === undefined ? await localContent(image, work) : await bringImage(image, reference, work);
  const { manifest } = await store.layout.addUnlisted(brought);
  if (reference !== undefined)
    await noteDocument(manifest.digest, image.rawManifest, image.descriptor, reference, store);
  return manifest;
}

/** The layers of an image of a layout or archive, in the store. */
export async function localContent(image: Image, { store, signal }: SourceWork): Promise<ImageContent> {
  const { blobs, indexes } = store.layout;
  const layers: Descriptor[] = [];
  for (const { diffID, open } of image.layers) {
    const known = await blobs.has(diffID);
    const info = known ?? (await storePackedLayer(open(signal), blobs, indexes, { digest: diffID }));
    layers.push({ mediaType: MediaType.ociLayer, ...info });
  }
  const { annotations } = image.manifest;
  return { config: image.rawConfig, layers, ...(annotations !== undefined && { annotations }) };
}

/** What the entry said already, and what is added; an attestation follows its manifest. */
export function annotationsFor(
  entry: Descriptor,
  platform: Platform | undefined,
  own: ReadonlyMap<Digest, Digest>,
  { entryAnnotations = [] }: MakeIndexOptions,
): Readonly<Record<string, string>> {
  const isAttested = entry.annotations?.[ATTESTED] !== undefined;
  const annotations: Record<string, string> = { ...entry.annotations };
  const subject = ofAttested(entry.annotations, own);
  if (subject !== undefined) annotations[ATTESTED] = subject;
  for (const { platform: wanted, key, value } of isAttested ? [] : entryAnnotations) {
    const isMeant = wanted === undefined || (platform !== undefined && samePlatform(wanted, platform));
    if (isMeant) annotations[key] = value;
  }
  return annotations;
}

/** What an entry says that it runs on; an attestation's says `unknown`. */
export function platformFor({ platform, entry }: SourceMember): { readonly platform?: Platform } {
  const known = platform ?? entry.platform;
  return known === undefined ? {} : { platform: platformOf(known) };
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
