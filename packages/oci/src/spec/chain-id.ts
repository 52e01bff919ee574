import { sha256Digest } from './digest.ts';
import type { Digest } from './digest.ts';

/**
 * The name of the filesystem that a stack of layers makes (image-spec config.md, "Layer ChainID"), lowest layer first:
 * the diffID itself for one layer, else the digest of `<chainID below> <diffID>`.
 * @throws RangeError for no layers: an empty filesystem has no chainID
 */
export function chainID(diffIds: readonly Digest[]): Digest {
  const top = chainIDs(diffIds).at(-1);
  if (top === undefined) throw new RangeError('chainID: no layers');
  return top;
}

/** The chainID of every stack, from the lowest layer alone up to all layers. */
export function chainIDs(diffIds: readonly Digest[]): readonly Digest[] {
  const out: Digest[] = [];
  for (const diffId of diffIds) {
    const below = out.at(-1);
    out.push(below === undefined ? diffId : sha256Digest(`${below} ${diffId}`));
  }
  return out;
}
