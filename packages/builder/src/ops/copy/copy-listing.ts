import type { ByteString } from '@tsbuild/oci';
import type { CopiedItem, CopyPlan } from './copy-item.ts';
import { imageXattrs } from '../image-xattrs.ts';
import { printablePath } from '../listing.ts';

/**
 * The content of a copy as text, one line per path of the layer: type, mode, owner, content, name. Its digest is the
 * copy's input id: whatever changes the layer changes a line, and a time never does.
 */
export function copyListing(plan: CopyPlan): string {
  const firstOfGroup = new Map<string, ByteString>();
  let text = '';
  for (const path of plan.removed) text += `removed ${printablePath(path)}\n`;
  for (const [path, item] of plan.items) {
    const { mode, uid, gid } = item.look;
    const what = item.kind === 'parent' ? 'parent' : describe(path, item, firstOfGroup);
    text += `${what} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid} ${printablePath(path)}\n`;
  }
  return text;
}

function describe(path: ByteString, item: CopiedItem, firstOfGroup: Map<string, ByteString>): string {
  const { entry, linkGroup, origin } = item;
  if (entry.type === 'file') {
    const first = linkGroup === undefined ? undefined : firstOfGroup.get(linkGroup);
    if (first !== undefined) return `hardlink ${JSON.stringify(printablePath(first))}`;
    if (linkGroup !== undefined) firstOfGroup.set(linkGroup, path);
    return `file ${origin.content.contentSha256(entry)}${attributes(entry.xattrs)}`;
  }
  if (entry.type === 'symlink') return `symlink ${JSON.stringify(printablePath(entry.linkPath))}`;
  if (entry.type === 'char' || entry.type === 'block') return `${entry.type} ${entry.devMajor}:${entry.devMinor}`;
  return entry.type;
}

function attributes(xattrs: ReadonlyMap<string, Uint8Array> | undefined): string {
  const kept = imageXattrs(xattrs);
  if (kept === undefined) return '';
  return [...kept].map(([name, value]) => ` ${name}=${Buffer.from(value).toString('hex')}`).join('');
}
