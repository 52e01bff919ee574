import type { ByteString, Digest, LayerEntry } from '@tsbuild/oci';
import { RootfsTree } from '@tsbuild/oci/node';
import { type CheckedLayer, type LayerFinding, type ReadEntry, Sum } from './layer-finding.ts';
import { deletedBy } from './deletions.ts';
import { cacheOwner, needsYarnCache } from './package-caches.ts';
import { LARGEST_SECRET, mayHoldSecret, secretIn } from './secrets.ts';

/** Less is not worth a word. Bytes. */
const LEAST_WASTE = 1_000_000;
const LEAST_CACHE = 500_000;

/**
 * What an image's own layers hold that they need not, from their indexes alone; only files with the name of a secret are
 * read. Layers lowest first, those of the base image included.
 */
export function checkLayers(layers: readonly CheckedLayer[], read: ReadEntry): readonly LayerFinding[] {
  const own = layers.filter(({ isOwn }) => isOwn);
  const numbers = new Map(own.map(({ digest }, number) => [digest, number]));
  const whole = treeOf(layers);
  return own.flatMap((layer, number) => {
    const below = treeOf(layers.slice(0, layers.indexOf(layer)));
    const look = new LayerLook(layer, number, below, whole);
    for (const entry of layer.index.entries()) look.take(entry, read);
    return [...look.findings(), ...(layer.isRun ? deletions(layer, number, below, numbers) : [])];
  });
}

function treeOf(layers: readonly CheckedLayer[]): RootfsTree {
  return new RootfsTree(layers.map(({ digest, index }) => ({ info: { digest }, index })));
}

/** One pass over the entries of a layer. */
class LayerLook {
  readonly #layer: CheckedLayer;
  readonly #number: number;
  readonly #below: RootfsTree;
  readonly #whole: RootfsTree;
  readonly #twice = new Sum();
  readonly #caches = new Map<string, Sum>();
  readonly #secrets: LayerFinding[] = [];
  #hasYarnMap = false;

  constructor(layer: CheckedLayer, number: number, below: RootfsTree, whole: RootfsTree) {
    this.#layer = layer;
    this.#number = number;
    this.#below = below;
    this.#whole = whole;
  }

  take(entry: LayerEntry, read: ReadEntry): void {
    if (entry.type !== 'file' || entry.size === 0) return;
    const { path, size } = entry;
    if (needsYarnCache(path)) this.#hasYarnMap = true;
    if (this.#layer.isRun) {
      const before = lookup(this.#below, path);
      if (before?.type === 'file' && before.contentSha256 === entry.contentSha256) this.#twice.add(path, size);
      const owner = cacheOwner(path);
      if (owner !== undefined && this.#stays(path)) this.#cache(owner).add(path, size);
    }
    if (size > LARGEST_SECRET || !mayHoldSecret(path)) return;
    const content = read(this.#layer.digest, entry);
    const what = content === undefined ? undefined : secretIn(path, content.toString('latin1'));
    if (what === undefined) return;
    this.#secrets.push({ rule: 'SecretInLayer', layer: this.#number, bytes: size, files: 1, path, what });
  }

  findings(): readonly LayerFinding[] {
    const { bytes, files, path } = this.#twice;
    const layer = this.#number;
    return [
      ...(bytes < LEAST_WASTE ? [] : [{ rule: 'FilesStoredTwice' as const, layer, bytes, files, path }]),
      ...[...this.#caches].flatMap(([what, sum]) =>
        sum.bytes < LEAST_CACHE || (what === 'yarn' && this.#hasYarnMap)
          ? []
          : [{ rule: 'PackageCacheInLayer' as const, layer, bytes: sum.bytes, files: sum.files, path: sum.path, what }],
      ),
      ...this.#secrets,
    ];
  }

  /** In the finished image, and with one name: what is linked to elsewhere takes no room of its own. */
  #stays(path: ByteString): boolean {
    const record = this.#layer.index.find(path);
    return !this.#layer.index.hasLinks(record) && lookup(this.#whole, path)?.layer === this.#layer.digest;
  }

  #cache(owner: string): Sum {
    let sum = this.#caches.get(owner);
    if (sum === undefined) {
      sum = new Sum();
      this.#caches.set(owner, sum);
    }
    return sum;
  }
}

function deletions(
  layer: CheckedLayer,
  number: number,
  below: RootfsTree,
  numbers: ReadonlyMap<Digest, number>,
): readonly LayerFinding[] {
  const sums = deletedBy(layer.index, below, numbers);
  const most = [...sums].toSorted(([, a], [, b]) => b.bytes - a.bytes)[0];
  const bytes = [...sums.values()].reduce((total, sum) => total + sum.bytes, 0);
  const files = [...sums.values()].reduce((total, sum) => total + sum.files, 0);
  if (most === undefined || bytes < LEAST_WASTE) return [];
  const [from, { path }] = most;
  return [{ rule: 'DeletedInLaterLayer', layer: number, bytes, files, path, from }];
}

/** A layer that puts entries below a file is the build's to refuse, not a reason to fail here. */
function lookup(tree: RootfsTree, path: ByteString): ReturnType<RootfsTree['lookup']> {
  try {
    return tree.lookup(path);
  } catch {
    return undefined;
  }
}
