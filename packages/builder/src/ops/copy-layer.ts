import type { ByteString, TarTime } from '@tsbuild/oci';
import type { LayerWriter, NewLayerEntry } from '@tsbuild/oci/node';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import { BuildError } from '../errors.ts';
import { type CopyLook, lookOf } from './copy-listing.ts';
import type { CopyPlan } from './copy-plan.ts';
import { printablePath } from './listing.ts';

/** How the times of a copy are written. */
export interface CopyTimes {
  /** `SOURCE_DATE_EPOCH`, seconds. */
  readonly epoch: number | undefined;
  /**
   * True for the build context: a checkout's times say nothing, so with an epoch every file gets exactly that. Files of
   * a stage have times that were made reproducible already; they are only clamped.
   */
  readonly exact: boolean;
}

/**
 * Writes the planned copy as a layer, in one pass: each file is opened once, and the bytes that are stored are the bytes
 * that are hashed. A file whose digest was known must still have it.
 * @throws BuildError `FILE_CHANGED`
 */
export async function writeCopyLayer(
  plan: CopyPlan,
  source: SourceTree,
  writer: LayerWriter,
  look: CopyLook,
  times: CopyTimes,
  signal: AbortSignal,
): Promise<void> {
  const timeOf = timesOf(plan, times);
  const firstOfGroup = new Map<string, ByteString>();
  for (const [path, item] of plan) {
    signal.throwIfAborted();
    const base = { path, ...lookOf(item, look) };
    if (item.kind === 'parent') {
      writer.add({ ...base, type: 'directory', mtime: timeOf(item.timeFrom) });
      continue;
    }
    const { entry, linkGroup } = item;
    const common = { ...base, mtime: timeOf(entry) };
    const first = linkGroup === undefined ? undefined : firstOfGroup.get(linkGroup);
    if (first !== undefined) {
      writer.add({ ...common, type: 'hardlink', linkPath: first });
    } else if (entry.type === 'file') {
      if (linkGroup !== undefined) firstOfGroup.set(linkGroup, path);
      await writeFile(entry, source, writer, common);
    } else {
      writer.add(specialEntry(entry, common));
    }
  }
}

async function writeFile(
  entry: SourceEntry,
  source: SourceTree,
  writer: LayerWriter,
  common: Omit<NewLayerEntry, 'type'>,
): Promise<void> {
  const known = source.knownSha256(entry);
  const file = source.open(entry);
  let sha256: string;
  try {
    sha256 = await writer.addFile({ ...common, type: 'file', size: entry.size }, (buffer) => file.read(buffer));
  } finally {
    file.close();
  }
  if (known !== undefined && known !== sha256) {
    throw new BuildError('FILE_CHANGED', `${printablePath(entry.path)} changed while it was copied`, {
      hint: 'build again when nothing writes to the files any more',
    });
  }
  source.remember(entry, sha256);
}

function specialEntry(entry: SourceEntry, common: Omit<NewLayerEntry, 'type'>): NewLayerEntry {
  switch (entry.type) {
    case 'symlink':
      return { ...common, type: 'symlink', linkPath: entry.linkPath };
    case 'char':
    case 'block':
      return { ...common, type: entry.type, devMajor: entry.devMajor, devMinor: entry.devMinor };
    case 'directory':
    case 'fifo':
      return { ...common, type: entry.type };
    default:
      throw new TypeError(`a ${entry.type} is no special entry`);
  }
}

/** Folders on the way have no time of their own that could be told: they take the newest of what is copied. */
function timesOf(plan: CopyPlan, times: CopyTimes): (entry: SourceEntry | undefined) => TarTime {
  let newest = 0;
  for (const item of plan.values()) {
    if (item.kind === 'copied') newest = Math.max(newest, item.entry.mtime.seconds);
  }
  const { epoch, exact } = times;
  return (entry) => {
    const seconds = entry?.mtime.seconds ?? newest;
    if (epoch === undefined) return { seconds, nanoseconds: 0 };
    return { seconds: exact ? epoch : Math.min(seconds, epoch), nanoseconds: 0 };
  };
}
