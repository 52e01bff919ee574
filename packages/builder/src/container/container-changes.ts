import { compareByteStrings } from '@tsbuild/oci';
import type { ByteString } from '@tsbuild/oci';
import { type Changes, findChanges } from '../snapshot/diff.ts';
import { DiskOwners } from '../disk/disk-owners.ts';
import { loadNative } from '../disk/load-native.ts';
import type { Store } from '../store/store.ts';
import type { Container } from '../container-state/container.ts';
import { requireSameOwners } from './same-owners.ts';
import { imageTree } from './image-trees.ts';

/** One line of `diff`: added, changed, or deleted. */
export interface ContainerChange {
  readonly kind: 'A' | 'C' | 'D';
  /** Without a leading slash. */
  readonly path: ByteString;
}

/** What a container changed beside its image. */
export async function changesOf(container: Container, store: Store, signal: AbortSignal): Promise<Changes> {
  requireSameOwners(container);
  const tree = await imageTree(store, container.config.image.layers);
  const options = { native: await loadNative(), owners: DiskOwners.read(), signal, complete: false };
  return findChanges(container.upper, tree, options);
}

/** The same as docker lists it: byte order of the paths, parents of what changed among them. */
export async function listChanges(
  container: Container,
  store: Store,
  signal: AbortSignal,
): Promise<readonly ContainerChange[]> {
  const { changed, removed } = await changesOf(container, store, signal);
  return [
    ...changed.map(({ path, lower }): ContainerChange => ({ kind: lower === undefined ? 'A' : 'C', path })),
    ...removed.map((path): ContainerChange => ({ kind: 'D', path })),
  ].toSorted((a, b) => compareByteStrings(a.path, b.path));
}
