import { indexLayer, type IndexedLayer } from '../../src/layer/read-layer.ts';
import type { RootfsLayer } from '../../src/layer/rootfs-tree.ts';
import { RootfsTree } from '../../src/layer/rootfs-tree.ts';
import { chunked, makeTar, type RawMember } from '../../testing/make-tar.ts';

/**
 * Layers in words, one entry a line, in the order of the archive:
 * `dir PATH [MODE]`, `file PATH [CONTENT]`, `symlink PATH TARGET`, `link PATH TARGET`, `fifo PATH`, `char PATH MAJOR MINOR`,
 * `whiteout PATH`, `opaque DIRECTORY`.
 */
export function layerTar(text: string): Uint8Array {
  return makeTar(linesOf(text).map(member));
}

/** Reads a layer in words as any layer of others is read. */
export function indexed(text: string): Promise<IndexedLayer> {
  return indexLayer(chunked(layerTar(text)));
}

/** The merged view of layers in words, lowest first. */
export async function tree(...layers: readonly string[]): Promise<RootfsTree> {
  const read = await Promise.all(layers.map(indexed));
  return new RootfsTree(read.map(({ index, diffID }): RootfsLayer => ({ info: { digest: diffID }, index })));
}

/** Everything in the tree: directories as `PATH/`, symlinks as `PATH -> TARGET`, files as `PATH (SIZE)`. */
export function show(root: RootfsTree, directory = ''): string[] {
  return root.list(directory).flatMap((entry) => {
    if (entry.type === 'directory') return [`${entry.path}/`, ...show(root, entry.path)];
    if (entry.type === 'symlink') return [`${entry.path} -> ${entry.linkPath}`];
    return [`${entry.path} (${entry.size})`];
  });
}

function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([word]) => word !== undefined && word !== '');
}

function member([kind, name = '', first = '', second = '']: readonly string[]): RawMember {
  const slash = name.lastIndexOf('/') + 1;
  switch (kind) {
    case 'dir':
      return { name, type: '5', mode: Number.parseInt(first || '755', 8) };
    case 'file':
      return { name, content: first };
    case 'symlink':
      return { name, type: '2', linkName: first };
    case 'link':
      return { name, type: '1', linkName: first };
    case 'fifo':
      return { name, type: '6' };
    case 'char':
      return { name, type: '3', devMajor: Number(first), devMinor: Number(second) };
    case 'whiteout':
      return { name: `${name.slice(0, slash)}.wh.${name.slice(slash)}` };
    case 'opaque':
      return { name: name === '.' ? '.wh..wh..opq' : `${name}/.wh..wh..opq` };
    default:
      throw new Error(`no such line: ${kind}`);
  }
}
