/** The kinds of things that a store keeps to be faster. */
export type CacheKind = 'record' | 'cache-mount' | 'snapshot' | 'base' | 'context' | 'source' | 'packages';

/** Something that the store keeps and can do without. Sizes in bytes, times in milliseconds since 1970. */
export interface CacheEntry {
  /**
   * - `record`: what a step made: its layer and the key that finds it
   * - `cache-mount`: a directory of RUN --mount=type=cache
   * - `snapshot`: an unpacked layer, for RUN
   * - `base`: what a registry said of a base image, and layers that were fetched for it
   * - `context`: the digests of a build context's files
   * - `source`: what ADD fetched
   * - `packages`: what was found out of the packages of images
   */
  readonly kind: CacheKind;
  /** Unique among those of its kind. */
  readonly id: string;
  readonly description: string;
  /** What it takes on the disk; entries may share parts. */
  readonly size: number;
  /** An image of the store needs it, too, so that its removal frees nothing or makes the next build of that image slow. */
  readonly shared: boolean;
  readonly created: number;
  readonly lastUsed: number;
  /** How often a build used it; undefined where nobody counts. */
  readonly uses?: number;
}

/** Which entries `pruneCache` removes. */
export interface PruneOptions {
  /** Those that images share, and those of kinds that are small and dear, too. */
  readonly all: boolean;
  /** Only these kinds; otherwise those that `all` says. */
  readonly kinds?: readonly CacheKind[];
  /** Only those whose id begins so. */
  readonly id?: string;
  /** Only those not used for so long, milliseconds. */
  readonly unusedFor?: number;
  /** Stop when what is left takes no more than this, bytes; those that were not used for longest go first. */
  readonly keepStorage?: number;
}

/** Kinds that are worth removing without being asked for by name: large, and made again by a build alone. */
const USUAL: readonly CacheKind[] = ['record', 'cache-mount', 'snapshot'];

/** The entries to remove. Pure: what `prune` does is decided here. */
export function entriesToPrune(
  entries: readonly CacheEntry[],
  options: PruneOptions,
  now: number,
): readonly CacheEntry[] {
  const { all, kinds = all ? undefined : USUAL, id, unusedFor, keepStorage } = options;
  const chosen = entries
    .filter(({ kind, shared }) => (kinds === undefined || kinds.includes(kind)) && (all || !shared))
    .filter((entry) => id === undefined || entry.id.startsWith(id))
    .filter(({ lastUsed }) => unusedFor === undefined || now - lastUsed >= unusedFor)
    .toSorted((a, b) => a.lastUsed - b.lastUsed || (a.id < b.id ? -1 : 1));
  if (keepStorage === undefined) return chosen;
  let total = entries.reduce((sum, { size, shared }) => sum + (shared ? 0 : size), 0);
  const removed: CacheEntry[] = [];
  for (const entry of chosen) {
    if (total <= keepStorage) break;
    removed.push(entry);
    if (!entry.shared) total -= entry.size;
  }
  return removed;
}
