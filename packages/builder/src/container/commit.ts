import {
  type BlobInfo,
  decodeImageConfig,
  type Descriptor,
  encodeImageConfig,
  type HistoryEntry,
  type ImageConfig,
  MediaType,
  parsePlatform,
  parseReference,
  readBlob,
} from '@tsbuild/oci';
import { LayerWriter, type StoredImage } from '@tsbuild/oci/node';
import { DiskOwners } from '../disk/disk-owners.ts';
import { writeLayer } from '../snapshot/write-changes.ts';
import type { Store } from '../store/store.ts';
import { MonitorClient } from './client.ts';
import type { Container } from '../container-state/container.ts';
import { changeConfig } from './commit-changes.ts';
import { changesOf } from './container-changes.ts';

/** What `commit` adds to what the container is. */
export interface CommitOptions {
  /** Stands in the history. */
  readonly message: string;
  readonly author: string;
  /** Instructions of a Dockerfile, applied to the config in this order. */
  readonly changes: readonly string[];
  /** Stop the container's processes while its files are read. */
  readonly pause: boolean;
  /** None for an image without a name. */
  readonly name: string | undefined;
}

/**
 * Makes an image of a container: its image's layers, and what it changed as one more.
 * @throws BuildError, OciError
 */
export async function commitContainer(
  container: Container,
  options: CommitOptions,
  store: Store,
  signal: AbortSignal,
): Promise<StoredImage> {
  const names = options.name === undefined ? [] : [parseReference(options.name)];
  const changed = changeConfig(container.config.config, options.changes);
  await using _lease = await store.layout.lease();
  const layer = await whilePaused(container, options.pause, () => writeTopLayer(container, store, signal));
  const base = await baseConfig(container, store);
  const created = new Date().toISOString();
  const row: HistoryEntry = {
    created,
    ...(options.author === '' ? {} : { author: options.author }),
    created_by: (container.config.config.Cmd ?? []).join(' '),
    ...(options.message === '' ? {} : { comment: options.message }),
    ...(layer === undefined ? { empty_layer: true } : {}),
  };
  const layers = [...container.config.image.layers, ...(layer === undefined ? [] : [layer])];
  const { author: _old, ...rest } = base;
  const config: ImageConfig = {
    ...rest,
    created,
    ...(options.author === '' ? {} : { author: options.author }),
    config: changed,
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: [...(base.history ?? []), row],
  };
  const descriptors = layers.map(({ digest, size }): Descriptor => ({ mediaType: MediaType.ociLayer, digest, size }));
  return store.layout.add({ config: encodeImageConfig(config), layers: descriptors }, names);
}

/** Undefined when the container changed nothing. */
async function writeTopLayer(container: Container, store: Store, signal: AbortSignal): Promise<BlobInfo | undefined> {
  const changes = await changesOf(container, store, signal);
  if (changes.changed.length === 0 && changes.removed.length === 0) return undefined;
  const writer = new LayerWriter(await store.layout.blobs.create());
  try {
    await writeLayer(container.upper, changes, writer, {}, DiskOwners.read());
  } catch (error) {
    await writer.discard();
    throw error;
  }
  const { digest, size, index } = await writer.finish();
  await store.indexes.put(digest, index);
  return { digest, size };
}

async function whilePaused<T>(container: Container, pause: boolean, act: () => Promise<T>): Promise<T> {
  if (!pause || container.state().status !== 'running') return act();
  using client = await MonitorClient.open(container);
  await client?.pause(true);
  try {
    return await act();
  } finally {
    await client?.pause(false);
  }
}

/** The image's own config: kept by the store as long as a container of it is there. */
async function baseConfig(container: Container, store: Store): Promise<ImageConfig> {
  const { id, platform } = container.config.image;
  const found = await store.layout.blobs.has(id);
  if (found !== undefined) return decodeImageConfig(await readBlob(store.layout.blobs, found));
  return { ...parsePlatform(platform), rootfs: { type: 'layers', diff_ids: [] } };
}
