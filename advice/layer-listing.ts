import { LayerIndexBuilder } from '../packages/oci/src/layer/layer-index-builder.ts';
import { IMPLIED_DIRECTORY } from '../packages/oci/src/layer/layer-entry.ts';
import type { LayerIndex } from '../packages/oci/src/layer/layer-index.ts';
import { checkLayers } from '../packages/builder/src/lint/layers/check-layers.ts';

const DIGEST = `sha256:${'0'.repeat(64)}` as const;

/** Of which package managers PackageCacheInLayer finds a cache in a RUN's layer with these files, as `apt, pip`, or `silent`. */
export function cacheAdvice(listing: string): string {
  const layer = { digest: DIGEST, index: indexOf(listing), isOwn: true, isRun: true };
  const found = checkLayers([layer], () => undefined).filter(({ rule }) => rule === 'PackageCacheInLayer');
  const owners = found.map(({ what }) => what ?? '').toSorted();
  return owners.length === 0 ? 'silent' : owners.join(', ');
}

/** The index of a layer that a listing describes: lines of a size in bytes and a path. */
function indexOf(listing: string): LayerIndex {
  const builder = new LayerIndexBuilder();
  for (const line of listing.trimEnd().split('\n')) {
    const [, size, path] = /^(\d+) (.+)$/.exec(line) ?? [];
    if (size === undefined || path === undefined) throw new SyntaxError(`expected SIZE PATH, not ${line}`);
    const contentSha256 = '0'.repeat(64);
    builder.add({ ...IMPLIED_DIRECTORY, type: 'file', mode: 0o644, path, size: Number(size), contentSha256 });
  }
  return builder.build();
}
