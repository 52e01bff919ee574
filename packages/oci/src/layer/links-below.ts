import type { ByteString } from '../spec/byte-string.ts';
import type { Digest } from '../spec/digest.ts';
import type { LayerEntry } from './layer-entry.ts';
import type { LayerIndex } from './layer-index.ts';
import { baseName, joinPath, parentPath } from './layer-path.ts';
import { resolveInRoot } from './resolve-in-root.ts';

/** A file of a merged view. */
interface LowerFile extends LayerEntry {
  readonly layer: Digest;
  readonly hardLinkKey?: string;
}

/** A merged view of some layers, as far as links need it. */
interface LowerTree<E extends LowerFile> {
  lookup(path: ByteString): E | undefined;
}

/**
 * The hard links of layers into the layers below them. Such a link means the file that was there before its own layer came,
 * whatever that layer or those above do to it later. Symlinks on the way to it are followed inside of the root.
 */
export class LinksBelow<E extends LowerFile> {
  readonly #indexes: readonly LayerIndex[];
  readonly #below: (layers: number) => LowerTree<E>;
  /** One for all views: a hostile image may have links from each layer into all others. */
  readonly #trees = new Map<number, LowerTree<E>>();
  #targets: Set<string> | undefined;

  /** @param below the merged view of the lowest layers, that many */
  constructor(indexes: readonly LayerIndex[], below: (layers: number, links: LinksBelow<E>) => LowerTree<E>) {
    this.#indexes = indexes;
    this.#below = (layers) => below(layers, this);
  }

  /** What a link of layer number `layer` points to; undefined when there is no such file. */
  target(layer: number, link: Pick<LayerEntry, 'linkPath'>): E | undefined {
    const tree = this.#tree(layer);
    const parent = resolveInRoot(parentPath(link.linkPath), (at) => tree.lookup(at));
    if (parent?.exists !== true) return undefined;
    const target = tree.lookup(joinPath(parent.path, baseName(link.linkPath)));
    return target?.type === 'directory' ? undefined : target;
  }

  /** True when a layer above has one more name for this file. */
  isTarget(layer: Digest, path: ByteString): boolean {
    return (this.#targets ?? this.#findTargets()).has(fileKey(layer, path));
  }

  #findTargets(): ReadonlySet<string> {
    // Set first: looking for targets asks this, too.
    const targets = new Set<string>();
    this.#targets = targets;
    for (const [layer, index] of this.#indexes.entries()) {
      if (index.linksBelow === 0) continue;
      for (const entry of index.entries()) {
        const target = entry.linksBelow === true ? this.target(layer, entry) : undefined;
        if (target !== undefined) targets.add(target.hardLinkKey ?? fileKey(target.layer, target.path));
      }
    }
    return targets;
  }

  #tree(layers: number): LowerTree<E> {
    let tree = this.#trees.get(layers);
    if (tree === undefined) this.#trees.set(layers, (tree = this.#below(layers)));
    return tree;
  }
}

/** Names a file by its first name in its layer. */
export function fileKey(layer: Digest, path: ByteString): string {
  return `${layer}:${path}`;
}
