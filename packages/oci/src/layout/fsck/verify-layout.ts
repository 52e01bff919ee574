import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { DirectoryBlobStore } from '../../blob/directory.ts';
import { readBlob } from '../../blob/read-blob.ts';
import type { Descriptor } from '../../spec/descriptor.ts';
import type { Digest } from '../../spec/digest.ts';
import { OciError } from '../../spec/oci-error.ts';
import { decodeImageIndex } from '../../spec/image-index.ts';
import { decodeManifest } from '../../spec/manifest.ts';
import { errnoOf } from '../../processes/store-errors.ts';
import { withoutManifests } from '../index-entries.ts';
import type { IndexEntries } from '../index-entries.ts';
import { LAYOUT_NAMES, type LayoutPaths, layoutPaths } from '../../processes/layout-names.ts';
import { checkLayout, createLayout, readIndex, writeIndex } from '../layout-files.ts';
import { withLock } from '../../processes/lock.ts';
import { verifyBlobs } from './verify-blobs.ts';
import type { VerifiedBlobs } from './verify-blobs.ts';
import { verifyClaims } from './verify-claims.ts';
import { checkImages } from './verify-images.ts';
import type { KnownChains } from './verify-images.ts';
import { verifyLayerIndexes } from './verify-layer-indexes.ts';
import type { FsckOptions, Repair } from './finding.ts';

/** How {@link verifyLayoutAt} looks and mends. */
export interface VerifyLayoutOptions extends FsckOptions {
  /** Let the repair of an image that is not whole be its removal. */
  readonly removeImages: boolean;
}

/** What was learnt on the way, for those who check what builds on it. */
export interface VerifiedLayout {
  readonly blobs: VerifiedBlobs;
  readonly chains: ReadonlyMap<Digest, Digest>;
  /** Number of images looked at. */
  readonly images: number;
}

/**
 * Checks an image layout: the files that make it one, every blob against its digest, every image down to its layers, the
 * layer indexes, and what dead processes left. Changes nothing; the findings know how to mend.
 * @throws OciError `LAYOUT_INVALID` when it is of a newer format; the signal's reason
 */
export async function verifyLayoutAt(root: string, options: VerifyLayoutOptions): Promise<VerifiedLayout> {
  const paths = layoutPaths(root);
  const blobs = new DirectoryBlobStore(root);
  await verifyClaims(paths, options);
  const entries = await checkFrame(paths, blobs, options);
  const checked = await verifyBlobs(blobs, options);
  const chains: KnownChains = new Map();
  for (const { entry, name, why } of await checkImages(blobs, entries, checked, chains)) {
    const remove = options.removeImages ? { repair: removal(paths, entry) } : {};
    options.report({
      severity: 'damaged',
      kind: 'image',
      path: LAYOUT_NAMES.index,
      message: `image ${name}: ${why}`,
      ...remove,
    });
  }
  await verifyLayerIndexes(blobs, checked, options);
  return { blobs: checked, chains, images: entries.length };
}

/** `oci-layout` and `index.json`. Blobs can do without; which names the images had is lost with the index. */
async function checkFrame(
  paths: LayoutPaths,
  blobs: DirectoryBlobStore,
  { report }: FsckOptions,
): Promise<IndexEntries> {
  const marker = await faultOf(() => checkLayout(paths));
  if (marker.value === false && (await holdsNothing(paths, blobs))) {
    const message = 'the store was begun and not finished';
    const repair = { done: 'finished', run: () => createLayout(paths) };
    report({ severity: 'litter', kind: 'store', path: LAYOUT_NAMES.marker, message, repair });
    return [];
  }
  if (marker.value !== true) {
    const message = marker.fault ?? 'it is missing';
    const repair = { done: 'written anew', run: () => remake(paths, paths.marker) };
    report({ severity: 'damaged', kind: 'store', path: LAYOUT_NAMES.marker, message, repair });
  }
  const index = await faultOf(() => readIndex(paths));
  if (index.value !== undefined) return index.value;
  const repair = {
    done: 'made again from the manifests in the store; the images have no names now',
    run: () => rebuildIndex(paths, blobs),
  };
  report({
    severity: 'damaged',
    kind: 'index',
    path: LAYOUT_NAMES.index,
    message: index.fault ?? 'it is missing',
    repair,
  });
  return [];
}

/** Whoever makes a layout writes its marker last: killed before that, it has left a store in which there was nothing yet. */
async function holdsNothing(paths: LayoutPaths, blobs: DirectoryBlobStore): Promise<boolean> {
  const index = await faultOf(() => readIndex(paths));
  if (index.value === undefined ? existsSync(paths.index) : index.value.length > 0) return false;
  for await (const _ of blobs.list()) return false;
  return true;
}

async function faultOf<T>(read: () => Promise<T>): Promise<{ readonly value?: T; readonly fault?: string }> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!(error instanceof OciError) || error.fields['format'] !== undefined) throw error;
    return { fault: error.message };
  }
}

async function remake(paths: LayoutPaths, damaged: string): Promise<void> {
  await putAway(damaged);
  await createLayout(paths);
}

/** Every manifest and index of the store, but for those that an index names: they are listed by it. */
async function rebuildIndex(paths: LayoutPaths, blobs: DirectoryBlobStore): Promise<void> {
  const entries: Descriptor[] = [];
  const members = new Set<Digest>();
  for await (const { digest, size } of blobs.list()) {
    const found = await documentAt(blobs, digest, size);
    if (found === undefined) continue;
    entries.push(found.entry);
    for (const member of found.members) members.add(member.digest);
  }
  await withLock(paths.lock, { temporaryDirectory: paths.temporary }, async (lock) => {
    await putAway(paths.index);
    await writeIndex(
      paths,
      entries.filter(({ digest }) => !members.has(digest)),
      lock,
    );
  });
}

const DOCUMENT_LIMIT = 4 * 1024 * 1024;

interface FoundDocument {
  readonly entry: Descriptor;
  /** Of an index, what it names. */
  readonly members: readonly Descriptor[];
}

/** Undefined for a layer, a config, and what is damaged. */
async function documentAt(blobs: DirectoryBlobStore, digest: Digest, size: number): Promise<FoundDocument | undefined> {
  if (size > DOCUMENT_LIMIT) return undefined;
  const bytes = await valueOf(() => readBlob(blobs, { digest, size }));
  if (bytes === undefined) return undefined;
  const manifest = await valueOf(() => decodeManifest(bytes));
  if (manifest !== undefined) return { entry: { mediaType: manifest.mediaType, digest, size }, members: [] };
  const index = await valueOf(() => decodeImageIndex(bytes));
  return index && { entry: { mediaType: index.mediaType, digest, size }, members: index.manifests };
}

async function valueOf<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}

/** Keeps a damaged file under another name, should anybody want to read it. */
async function putAway(path: string): Promise<void> {
  try {
    await rename(path, `${path}.damaged`);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function removal(paths: LayoutPaths, entry: Descriptor): Repair {
  return {
    done: 'its names were removed',
    run: () =>
      withLock(paths.lock, { temporaryDirectory: paths.temporary }, async (lock) => {
        await writeIndex(paths, withoutManifests(await readIndex(paths), new Set([entry.digest])), lock);
      }),
  };
}
