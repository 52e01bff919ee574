import type { ByteString, TarTime } from '@tsbuild/oci';
import type { LayerWriter, NewLayerEntry } from '@tsbuild/oci/node';
import type { SourceEntry } from '../../context/source-tree.ts';
import { CopyContent } from './copy-content.ts';
import type { CopiedItem, CopyItem, CopyPlan } from './copy-item.ts';
import type { EarlierLayer } from './earlier-content.ts';
import { imageXattrs } from '../image-xattrs.ts';

/** How the times of a copy are written. */
export interface CopyTimes {
  /** `SOURCE_DATE_EPOCH`, seconds. */
  readonly epoch: number | undefined;
  /** Whether folders that are made get exactly the epoch, as files of an origin with `exactTimes` do. */
  readonly exactTimes: boolean;
}

/**
 * Writes the planned copy as a layer, in one pass: each file is opened once, and the bytes that are stored are the bytes
 * that are hashed. A file whose digest was known must still have it.
 * @throws BuildError `FILE_CHANGED`
 */
export async function writeCopyLayer(
  plan: CopyPlan,
  writer: LayerWriter,
  times: CopyTimes,
  signal: AbortSignal,
  earlier: readonly EarlierLayer[] = [],
): Promise<void> {
  const content = await CopyContent.open(plan, earlier);
  try {
    await writeItems(plan, { writer, content, timeOf: timesOf(plan, times), signal });
  } finally {
    content.close();
  }
}

/** What {@link writeItems} works with. */
interface CopyWriting {
  readonly writer: LayerWriter;
  readonly content: CopyContent;
  readonly timeOf: (item: CopyItem) => TarTime;
  readonly signal: AbortSignal;
}

async function writeItems(plan: CopyPlan, { writer, content, timeOf, signal }: CopyWriting): Promise<void> {
  const firstOfGroup = new Map<string, { readonly path: ByteString; readonly entry: SourceEntry }>();
  const removed = plan.removed.toReversed();
  for (const [path, item] of plan.items) {
    signal.throwIfAborted();
    // Folders come before what is in them, so the whiteouts of a folder wait until it has come.
    for (let next = removed.at(-1); next !== undefined && next < path; next = removed.at(-1)) {
      writer.whiteout(next);
      removed.pop();
    }
    const mtime = timeOf(item);
    if (item.kind === 'parent') {
      writer.add({ path, ...item.look, mtime, type: 'directory' });
      continue;
    }
    const { entry, linkGroup } = item;
    const first = linkGroup === undefined ? undefined : firstOfGroup.get(linkGroup);
    if (first !== undefined) {
      // Engines chown a link as they make it, which takes capabilities away: each name brings them again.
      const xattrs = imageXattrs(first.entry.xattrs);
      const link = { path, ...item.look, mtime, type: 'hardlink', linkPath: first.path } as const;
      writer.add(xattrs === undefined ? link : { ...link, xattrs });
    } else if (entry.type === 'file') {
      if (linkGroup !== undefined) firstOfGroup.set(linkGroup, { path, entry });
      const added = fileEntry(path, item, mtime);
      if (!content.addNow(item, added, writer)) await content.add(item, added, writer);
      const rest = writer.rest();
      if (rest !== undefined) await rest;
    } else {
      writer.add(specialEntry(entry, { path, ...item.look, mtime }));
    }
  }
  for (const path of removed.toReversed()) writer.whiteout(path);
}

/** Nearly all entries are files: nothing is spread. */
function fileEntry(path: ByteString, { entry, look }: CopiedItem, mtime: TarTime): NewLayerEntry {
  const { mode, uid, gid } = look;
  const { size } = entry;
  const xattrs = entry.xattrs && imageXattrs(entry.xattrs);
  return xattrs === undefined
    ? { path, type: 'file', mode, uid, gid, mtime, size }
    : { path, type: 'file', mode, uid, gid, mtime, size, xattrs };
}

function specialEntry(entry: SourceEntry, base: Omit<NewLayerEntry, 'type'>): NewLayerEntry {
  switch (entry.type) {
    case 'symlink':
      return { ...base, type: 'symlink', linkPath: entry.linkPath };
    case 'char':
    case 'block':
      return { ...base, type: entry.type, devMajor: entry.devMajor, devMinor: entry.devMinor };
    case 'directory':
    case 'fifo':
      return { ...base, type: entry.type };
    default:
      throw new TypeError(`a ${entry.type} is no special entry`);
  }
}

/** Folders on the way have no time of their own that could be told: they take the newest of what is copied. */
function timesOf(plan: CopyPlan, { epoch, exactTimes }: CopyTimes): (item: CopyItem) => TarTime {
  let newest = 0;
  for (const item of plan.items.values()) {
    if (item.kind === 'copied') newest = Math.max(newest, item.entry.mtime.seconds);
  }
  return (item) => {
    const seconds = (item.kind === 'copied' ? item.entry : item.timeFrom)?.mtime.seconds ?? newest;
    if (epoch === undefined) return { seconds, nanoseconds: 0 };
    const exact = item.kind === 'copied' ? item.origin.exactTimes : exactTimes;
    return { seconds: exact ? epoch : Math.min(seconds, epoch), nanoseconds: 0 };
  };
}
