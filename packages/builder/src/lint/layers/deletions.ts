import type { ByteString, Digest } from '@tsbuild/oci';
import { parseWhiteout } from '@tsbuild/oci/internal';
import type { LayerIndex, RootfsTree } from '@tsbuild/oci/node';
import { Sum } from './layer-finding.ts';

/** What the whiteouts of a layer hide of the image's own layers below it: sums by the number of the layer. */
export function deletedBy(
  index: LayerIndex,
  below: RootfsTree,
  numbers: ReadonlyMap<Digest, number>,
): ReadonlyMap<number, Sum> {
  const sums = new Map<number, Sum>();
  const add = (path: ByteString, layer: Digest, size: number): void => {
    const number = numbers.get(layer);
    if (number === undefined) return;
    const sum = sums.get(number) ?? new Sum();
    sums.set(number, sum);
    sum.add(path, size);
  };
  const walk = (path: ByteString): void => {
    const entry = below.lookup(path);
    if (entry?.type === 'file') add(path, entry.layer, entry.size);
    if (entry?.type !== 'directory') return;
    for (const child of below.list(path)) walk(child.path);
  };
  try {
    for (const { path } of index.entries()) {
      const whiteout = parseWhiteout(path);
      if (whiteout === undefined) continue;
      if (whiteout.kind === 'path') walk(whiteout.path);
      // What comes back in the same layer was replaced, not deleted.
      else for (const child of below.list(whiteout.path)) if (index.find(child.path) < 0) walk(child.path);
    }
  } catch {
    // A layer that puts entries below a file is the build's to refuse.
  }
  return sums;
}
