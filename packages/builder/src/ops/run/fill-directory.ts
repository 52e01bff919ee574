import type { ByteString } from '@tsbuild/oci';
import {
  type DiskEntry, DirectoryWriter, EntryWriter, exactTimes, joinPath, namingPath,
} from '@tsbuild/oci/internal'; // biome-ignore format: one list
import type { SourceEntry, SourceTree } from '../../context/source-tree.ts';
import { DiskOwners } from '../../disk/disk-owners.ts';
import { loadNative } from '../../disk/load-native.ts';

/**
 * Copies what is in a directory of `tree` into an empty directory of the host: files, links and directories with mode,
 * owner, time and the attributes that layers keep. Devices and fifos are left out. A running container may have that
 * directory already, so nothing that is put into it meanwhile leads outside.
 */
export async function fillDirectory(
  tree: SourceTree,
  from: ByteString,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const native = await loadNative();
  const owners = DiskOwners.read();
  const target = new DirectoryWriter(directory);
  try {
    const writer = new EntryWriter<FilledEntry>(target, {
      native,
      setTimes: exactTimes(native),
      owner: ({ uid, gid }) => ({ uid: owners.uid(uid), gid: owners.gid(gid) }),
      devices: false,
      onSkip: () => {},
      failure: (path, error) => namingPath(error, `${directory}/${path}`),
      signal,
    });
    const firstNames = new Map<string, ByteString>();
    for (const entry of walk(tree, from, '')) {
      signal.throwIfAborted();
      const key = entry.source.type === 'file' ? entry.source.hardLinkKey : undefined;
      const first = key === undefined ? undefined : firstNames.get(key);
      if (first !== undefined) writer.link(entry.path, first);
      else writer.add(entry, () => tree.open(entry.source));
      if (key !== undefined && first === undefined) firstNames.set(key, entry.path);
      await writer.breathe();
    }
    writer.finish();
  } finally {
    target.close();
  }
}

/** An entry under its path in the new directory. */
interface FilledEntry extends DiskEntry {
  readonly source: SourceEntry;
}

function* walk(tree: SourceTree, from: ByteString, into: ByteString): Generator<FilledEntry> {
  for (const source of tree.list(from)) {
    if (source.type !== 'file' && source.type !== 'directory' && source.type !== 'symlink') continue;
    const path = joinPath(into, source.path.slice(source.path.lastIndexOf('/') + 1));
    yield { ...source, path, source };
    if (source.type === 'directory') yield* walk(tree, source.path, path);
  }
}
