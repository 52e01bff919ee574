import type { ImageLayers } from '@tsbuild/builder';
import type { ByteString, LayerEntry } from '@tsbuild/oci/node';
import { isWhiteoutName, parseWhiteout } from '@tsbuild/oci/internal';
import { chosenEntries } from '../output/layers/file-lists.ts';
import type { ColumnEntry } from './entry-columns.ts';

/** An entry of a layer on its way into the columns. */
interface Gathered {
  readonly path: ByteString;
  /** Sorts as a walk goes: a slash before every other byte. */
  readonly walk: string;
  readonly layer: number;
  readonly kind: ColumnEntry['kind'];
  readonly entry: LayerEntry;
}

/** The entries of all layers in the order that the columns want, whiteouts as what they hide. */
export function gatherEntries(found: ImageLayers): readonly ColumnEntry[] {
  const gathered = found.contents.flatMap(({ index }, layer) =>
    Array.from(index.entries(), (entry) => gather(entry, layer)).filter((one) => one !== undefined),
  );
  gathered.sort(byWalk);
  const groups = contentGroups(found);
  let before: Gathered | undefined;
  return gathered.map((one) => {
    const { path, layer, kind, entry } = one;
    const sameContent = before?.path === path && isSameContent(before, one);
    before = one;
    const { mode, uid, gid, mtime, linkPath, contentSha256 = '' } = entry;
    const isFile = kind === 'file';
    return {
      path,
      layer,
      kind,
      sameContent,
      size: isFile ? entry.size : 0,
      mode,
      uid,
      gid,
      mtime: mtime.seconds,
      group: isFile ? (groups.get(contentSha256) ?? 0) : 0,
      target: linkPath,
    };
  });
}

function gather(entry: LayerEntry, layer: number): Gathered | undefined {
  const whiteout = parseWhiteout(entry.path);
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  // What AUFS kept for itself is in no container.
  if (whiteout === undefined && isWhiteoutName(name)) return undefined;
  const path = whiteout?.path ?? entry.path;
  const kind = whiteout === undefined ? entry.type : whiteout.kind === 'path' ? 'whiteout' : 'opaque';
  return { path, walk: path.replaceAll('/', '\0'), layer, kind, entry };
}

function byWalk(a: Gathered, b: Gathered): number {
  if (a.walk !== b.walk) return a.walk < b.walk ? -1 : 1;
  return a.layer - b.layer || Number(b.kind === 'whiteout') - Number(a.kind === 'whiteout');
}

function isSameContent({ entry: a, kind }: Gathered, { entry: b }: Gathered): boolean {
  return kind === 'file' && b.type === 'file' && a.size === b.size && a.contentSha256 === b.contentSha256;
}

/** A number for each content that a container sees under several names, from 1. */
function contentGroups(found: ImageLayers): ReadonlyMap<string, number> {
  const seen = new Set<string>();
  const files = new Set<string>();
  const groups = new Map<string, number>();
  for (const entry of chosenEntries(found, { isMeant: () => true, layer: undefined, least: 1, own: false })) {
    const { contentSha256, hardLinkKey } = entry;
    if (contentSha256 === undefined || entry.type !== 'file') continue;
    if (hardLinkKey !== undefined && files.has(hardLinkKey)) continue;
    if (hardLinkKey !== undefined) files.add(hardLinkKey);
    if (!seen.has(contentSha256)) seen.add(contentSha256);
    else if (!groups.has(contentSha256)) groups.set(contentSha256, groups.size + 1);
  }
  return groups;
}
