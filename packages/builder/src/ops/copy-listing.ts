import type { ByteString } from '@tsbuild/oci';
import type { SourceEntry } from '../context/source-tree.ts';
import type { CopyItem, CopyPlan } from './copy-plan.ts';
import { printablePath } from './listing.ts';
import type { Owner } from './ownership.ts';

/** Options that change what the copied files look like. */
export interface CopyLook {
  readonly owner: Owner;
  /** From `--chmod`: mode of copied files and folders, and of folders made on the way. */
  readonly mode: number | undefined;
}

/** Mode and owner with which an item enters the layer. */
export interface ItemLook {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** How an item will look: parents that exist keep their metadata, everything else gets the copy's owner and mode. */
export function lookOf(item: CopyItem, look: CopyLook): ItemLook {
  if (item.kind === 'parent') return item.existing ?? { mode: look.mode ?? 0o755, ...look.owner };
  if (item.entry.type === 'symlink') return { mode: 0o777, ...look.owner };
  return { mode: look.mode ?? item.entry.mode, ...look.owner };
}

/**
 * The content of a copy as text, one line per path of the layer: type, mode, owner, content, name. Its digest is the
 * copy's input id: whatever changes the layer changes a line, and a time never does.
 */
export function copyListing(plan: CopyPlan, look: CopyLook, sha256Of: (entry: SourceEntry) => string): string {
  const firstOfGroup = new Map<string, ByteString>();
  let text = '';
  for (const [path, item] of plan) {
    const { mode, uid, gid } = lookOf(item, look);
    const what = item.kind === 'parent' ? 'parent' : describe(path, item, firstOfGroup, sha256Of);
    text += `${what} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid} ${printablePath(path)}\n`;
  }
  return text;
}

function describe(
  path: ByteString,
  item: Extract<CopyItem, { kind: 'copied' }>,
  firstOfGroup: Map<string, ByteString>,
  sha256Of: (entry: SourceEntry) => string,
): string {
  const { entry, linkGroup } = item;
  if (entry.type === 'file') {
    const first = linkGroup === undefined ? undefined : firstOfGroup.get(linkGroup);
    if (first !== undefined) return `hardlink ${JSON.stringify(printablePath(first))}`;
    if (linkGroup !== undefined) firstOfGroup.set(linkGroup, path);
    return `file ${sha256Of(entry)}`;
  }
  if (entry.type === 'symlink') return `symlink ${JSON.stringify(printablePath(entry.linkPath))}`;
  if (entry.type === 'char' || entry.type === 'block') return `${entry.type} ${entry.devMajor}:${entry.devMinor}`;
  return entry.type;
}
