import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { decodeImageConfig, type Digest, readBlob } from '@tsbuild/oci';
import type { Layout } from '@tsbuild/oci/node';
import type { DirectoryCacheStore } from '../cache/directory-cache-store.ts';
import { ContainerStore } from '../container-state/container-store.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { RemoteImage, RemoteRecords } from '../source/remote-records.ts';

/** The parts of a store that keep blobs beside its images. */
export interface RootHolders {
  readonly root: string;
  readonly layout: Layout;
  readonly records: DirectoryCacheStore<LayerOutput>;
  readonly remotes: RemoteRecords;
}

/** Something that keeps blobs from being collected. */
interface Root {
  readonly kind: 'record' | 'base' | 'container';
  /** The key of the record, the file of the base image, or the container's ID. */
  readonly id: string;
  readonly blobs: readonly Digest[];
}

/**
 * All that keeps blobs, beside the images themselves: every collection goes by this list, whoever asks for it. What is
 * added to a store and needs blobs is added here.
 */
async function* rootsOf(store: RootHolders): AsyncIterable<Root> {
  for await (const { record } of store.records.all()) {
    yield { kind: 'record', id: record.key, blobs: [record.output.layer.digest] };
  }
  for await (const { image, path } of store.remotes.images()) {
    yield { kind: 'base', id: path, blobs: await blobsOfBase(store, image) };
  }
  for (const { id, config } of new ContainerStore(store.root).list()) {
    const { image } = config;
    yield { kind: 'container', id, blobs: [image.id, image.manifest, ...image.layers.map(({ digest }) => digest)] };
  }
}

/** The blobs that the roots need, but for those with the ids `without`, which are about to go. */
export async function keptBlobs(store: RootHolders, without: ReadonlySet<string> = new Set()): Promise<Set<Digest>> {
  const kept = new Set<Digest>();
  for await (const { id, blobs } of rootsOf(store)) {
    if (!without.has(id)) for (const digest of blobs) kept.add(digest);
  }
  return kept;
}

/** The documents of a base image that a registry named, and those of its layers that were fetched. */
export async function blobsOfBase(
  { layout }: Pick<RootHolders, 'layout'>,
  { manifest, config }: RemoteImage,
): Promise<readonly Digest[]> {
  const documents = [manifest.digest, config.digest];
  try {
    return [...documents, ...decodeImageConfig(await readBlob(layout.blobs, config)).rootfs.diff_ids];
  } catch {
    return documents; // Its config was lost: the registry is asked again.
  }
}

/** Names of the unpacked layers that containers have below their own: nothing of them may go, whether one runs or not. */
export function snapshotsInUse(root: string): ReadonlySet<string> {
  const links = new ContainerStore(root).list().flatMap(({ lower }) => lower.slice(0, -1));
  return new Set(links.map((link) => basename(readlinkSync(link))));
}
