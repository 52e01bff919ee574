import { nodeHasher } from '../blob/directory-writer.ts';
import { verified } from '../blob/verify.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { hostPlatform } from '../processes/host-platform.ts';
import { layoutPaths } from '../processes/layout-names.ts';
import { decodeImageConfig } from '../spec/image-config.ts';
import { sniffCompression } from '../compression/compression.ts';
import { storePackedLayer } from '../layer/store-layer.ts';
import { MediaType } from '../spec/media-type.ts';
import type { Platform } from '../spec/platform.ts';
import type { Reference } from '../spec/reference.ts';
import { archiveInvalid, withinEntry } from './archive-error.ts';
import { openArchive } from './archive-file.ts';
import { imagesOf } from './archive-images.ts';
import type { ArchivedImage } from './archive-images.ts';
import { ArchiveMembers } from './archive-members.ts';
import type { ArchiveMember } from './archive-members.ts';
import { digestOfName } from './blob-name.ts';
import { copyContent } from '../image/copy-content.ts';
import { chosenImage, membersInPlace } from '../layout/index-members.ts';
import { blobSink } from '../layout/layout-image.ts';
import { archiveContent, indexesOf, withoutIndexed } from './archive-indexes.ts';
import type { ArchivedIndex } from './archive-indexes.ts';
import type { Layout } from '../layout/layout.ts';
import type { ImageContent, StoredImage } from '../layout/stored-image.ts';

/** Choices of {@link loadArchive}. */
export interface LoadArchiveOptions {
  /** Which image of an index to take; that of this machine unless told. */
  readonly platform?: Platform;
  /** Take the images of all platforms; the one that fits `platform` best gets the name. */
  readonly allPlatforms?: boolean;
  /**
   * Keep indexes that are whole, or have several images here, as indexes under their names. Not with `platform`, which
   * then also is the only one that will do.
   */
  readonly keepIndexes?: boolean;
}

/** One image that was loaded, and the names that the archive gave it (none: it is dangling, unless it was there before). */
export interface LoadedImage {
  readonly image: StoredImage;
  readonly names: readonly Reference[];
}

/**
 * Loads the images of an archive into a layout, as `docker load` does: docker-archive of any Docker since 1.10, OCI layouts
 * in a tar, and files that are both; the whole archive and its layers plain or gzip. Layers are stored uncompressed and
 * checked against the config's diffIDs. A layer that the store has already need not be in the archive. Names move only when
 * every blob of every image is stored.
 * @param source a path, or the archive's bytes as they come
 * @throws OciError `ARCHIVE_INVALID` naming the entry and the reason; `UNSUPPORTED`, `STORE_UNWRITABLE`, `LOCK_TIMEOUT`
 */
export async function loadArchive(
  source: string | AsyncIterable<Uint8Array>,
  layout: Layout,
  options: LoadArchiveOptions = {},
): Promise<readonly LoadedImage[]> {
  const file = await openArchive(source, layoutPaths(layout.root).temporary);
  try {
    const members = await ArchiveMembers.index(file);
    const platform = options.platform ?? hostPlatform();
    const keeps = options.keepIndexes === true;
    const isAsked = keeps && options.platform !== undefined;
    const indexes = keeps && !isAsked ? await indexesOf(members) : [];
    const without = new Set(indexes.map(({ digest }) => digest));
    const all = await imagesOf(members, { platform, all: options.allPlatforms === true, isAsked, without });
    const archived = withoutIndexed(all, indexes);
    if (archived.length + indexes.length === 0) throw archiveInvalid(members.name, 'it contains no image');
    const lease = await layout.lease();
    try {
      return await store(members, archived, indexes, layout);
    } finally {
      await lease[Symbol.asyncDispose]();
    }
  } finally {
    await file.close();
  }
}

async function store(
  members: ArchiveMembers,
  archived: readonly ArchivedImage[],
  indexes: readonly ArchivedIndex[],
  layout: Layout,
): Promise<readonly LoadedImage[]> {
  // Everything that can be told without reading the layers comes first, so that a bad archive costs no work.
  const plans = new Map<ArchivedImage, readonly PlannedLayer[]>();
  const indexed = indexes.flatMap(({ images }) => [...images.values()]);
  for (const entry of [...archived, ...indexed]) plans.set(entry, await planLayers(members, entry, layout));
  const contents = new Map<ArchivedImage, ImageContent>();
  for (const [entry, layers] of plans) {
    const descriptors: Descriptor[] = [];
    for (const layer of layers) descriptors.push(await bringLayer(members, layer, layout));
    contents.set(entry, { config: entry.config, layers: descriptors });
  }
  const additions = archived.flatMap((entry) => {
    const image = contents.get(entry);
    return image === undefined ? [] : [{ image, names: entry.names }];
  });
  const images = await layout.addAll(additions);
  const loaded: LoadedImage[] = images.map((image, i) => ({ image, names: additions[i]?.names ?? [] }));
  for (const index of indexes) loaded.push(await storeIndex(members, index, contents, layout));
  return loaded;
}

/** The index over the images as the layout has them; what attests them is copied as it is. */
async function storeIndex(
  members: ArchiveMembers,
  { index, names, images, artifacts }: ArchivedIndex,
  contents: ReadonlyMap<ArchivedImage, ImageContent>,
  layout: Layout,
): Promise<LoadedImage> {
  const stored = new Map<Digest, Descriptor>();
  for (const [digest, image] of images) {
    const content = contents.get(image);
    const { annotations } = image;
    if (content === undefined) continue;
    const { manifest } = await layout.addUnlisted({ ...content, ...(annotations !== undefined && { annotations }) });
    stored.set(digest, manifest);
  }
  for (const artifact of artifacts) await copyContent(archiveContent(members), artifact, blobSink(layout.blobs));
  const { annotations } = index;
  const content = { members: membersInPlace(index, stored), isForeign: true };
  const added = await layout.addIndex({ ...content, ...(annotations !== undefined && { annotations }) }, names);
  const image = chosenImage(added);
  if (image === undefined) throw new TypeError('an index that is kept has images');
  return { image, names };
}

interface PlannedLayer {
  readonly name: string;
  readonly diffId: Digest;
  /** Undefined for a layer that the archive leaves out because the store has it. */
  readonly member: ArchiveMember | undefined;
}

async function planLayers(
  members: ArchiveMembers,
  entry: ArchivedImage,
  layout: Layout,
): Promise<readonly PlannedLayer[]> {
  const config = await withinEntry(entry.configName, () => decodeImageConfig(entry.config));
  const { diff_ids: diffIds } = config.rootfs;
  if (diffIds.length !== entry.layerNames.length) {
    const reason = `it lists ${diffIds.length} layers (rootfs.diff_ids), but the archive has ${entry.layerNames.length}`;
    throw archiveInvalid(entry.configName, reason);
  }
  const filled = config.history?.filter((step) => step.empty_layer !== true).length ?? 0;
  if (filled > diffIds.length) {
    throw archiveInvalid(entry.configName, `its history has ${filled} layers, but it lists ${diffIds.length}`);
  }
  const layers: PlannedLayer[] = [];
  for (const [i, diffId] of diffIds.entries()) {
    const name = entry.layerNames[i] ?? '';
    const known = await layout.blobs.has(diffId);
    layers.push({ name, diffId, member: known === undefined ? members.get(name) : members.find(name) });
  }
  return layers;
}

/** Brings one layer into the store, uncompressed. */
async function bringLayer(members: ArchiveMembers, layer: PlannedLayer, layout: Layout): Promise<Descriptor> {
  const { name, diffId, member } = layer;
  const known = await layout.blobs.has(diffId);
  if (known !== undefined) return { mediaType: MediaType.ociLayer, ...known };
  const found = member ?? members.get(name);
  const info = await withinEntry(name, async () => {
    const digest = digestOfName(found.name);
    const bytes = members.read(found);
    const packed = sniffCompression(await firstBytes(members, found)) !== 'none';
    // The bytes of a plain layer are those of its diffID, which is checked in any case.
    const checked =
      packed && digest !== undefined ? verified(bytes, { digest, size: found.size }, nodeHasher('sha256')) : bytes;
    return storePackedLayer(checked, layout.blobs, layout.indexes, { digest: diffId });
  });
  return { mediaType: MediaType.ociLayer, ...info };
}

async function firstBytes(members: ArchiveMembers, member: ArchiveMember): Promise<Uint8Array> {
  for await (const chunk of members.read({ ...member, size: Math.min(6, member.size) })) return chunk;
  return new Uint8Array();
}
