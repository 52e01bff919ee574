import { sha256Digest } from './digest.ts';
import type { Digest } from './digest.ts';

/**
 * The name of the filesystem that a stack of layers makes (image-spec config.md, "Layer ChainID"), lowest layer first:
 * the diffID itself for one layer, else the digest of `<chainID below> <diffID>`. Undefined for no layers.
 */
export function chainID(diffIds: readonly Digest[]): Digest | undefined {
  return chainIDs(diffIds).at(-1);
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
