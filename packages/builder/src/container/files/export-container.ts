import { loadNative } from '../../disk/load-native.ts';
import type { Container } from '../../container-state/container.ts';
import { openContainerRoot } from './container-root.ts';
import { packTree } from './pack-tree.ts';

/**
 * The files of a container as one tar archive, as `docker export` writes it: its image's and what it changed, without what
 * volumes and binds show. The same files make the same bytes.
 * @throws BuildError `SANDBOX_UNAVAILABLE`, `FILE_CHANGED`
 */
export async function* exportContainer(
  container: Container,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  using root = await openContainerRoot(container, 'layers', signal);
  using place = root.directory.find('', true);
  yield* packTree(place, { name: '', wholeSeconds: true, native: await loadNative(), signal });
}
