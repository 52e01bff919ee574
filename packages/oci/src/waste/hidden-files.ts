import type { ByteString } from '../spec/byte-string.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import type { RootfsEntry, RootfsTree } from '../layer/rootfs-tree.ts';
import { parseWhiteout } from '../layer/whiteout.ts';

/**
 * The files of the view `below` that a layer hides, each once, by their paths: removed by a whiteout or an opaque directory, or
 * in the place of something that the layer brings.
 * @throws OciError `LAYER_INVALID` when the layers do not fit together
 */
export function hiddenFiles(index: LayerIndex, below: RootfsTree): ReadonlyMap<ByteString, RootfsEntry> {
  const hidden = new Map<ByteString, RootfsEntry>();
  const hide = (entry: RootfsEntry | undefined): void => {
    if (entry?.type === 'file') hidden.set(entry.path, entry);
    if (entry?.type === 'directory') for (const child of below.list(entry.path)) hide(child);
  };
  for (const { path, type } of index.entries()) {
    const whiteout = parseWhiteout(path);
    if (whiteout?.kind === 'path') hide(below.lookup(whiteout.path));
    else if (whiteout !== undefined) for (const child of below.list(whiteout.path)) hide(child);
    else if (type !== 'directory') hide(below.lookup(path));
    else hideFile(path);
  }
  return hidden;

  /** A directory hides no directory. */
  function hideFile(path: ByteString): void {
    const before = below.lookup(path);
    if (before?.type === 'file') hide(before);
  }
}
