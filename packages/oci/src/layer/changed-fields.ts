import type { LayerEntry } from './layer-entry.ts';

/** In what two entries of one path differ. */
export type ChangedField = 'type' | 'mode' | 'owner' | 'content' | 'link' | 'device' | 'xattrs' | 'mtime' | 'links';

/** Whose times count: in a comparison of trees those of directories only say that something in them changed. */
export type ComparedTimes = 'none' | 'files' | 'all';

/** In what two entries differ, content and the other names of a file aside. Times count in whole seconds, as layers hold them. */
export function changedFields(
  before: Omit<LayerEntry, 'offset'>,
  after: Omit<LayerEntry, 'offset'>,
  times: ComparedTimes,
): ChangedField[] {
  const fields: ChangedField[] = [];
  const note = (field: ChangedField, differs: boolean): void => void (differs && fields.push(field));
  const sameType = before.type === after.type;
  note('type', !sameType);
  // The mode of a symlink means nothing, and archives disagree on it.
  note('mode', before.mode !== after.mode && after.type !== 'symlink' && before.type !== 'symlink');
  note('owner', before.uid !== after.uid || before.gid !== after.gid);
  note('link', sameType && before.linkPath !== after.linkPath);
  note('device', sameType && (before.devMajor !== after.devMajor || before.devMinor !== after.devMinor));
  note('xattrs', !sameXattrs(before.xattrs, after.xattrs));
  const timed = times === 'all' || (times === 'files' && after.type !== 'directory');
  note('mtime', timed && before.mtime.seconds !== after.mtime.seconds);
  return fields;
}

function sameXattrs(a: LayerEntry['xattrs'], b: LayerEntry['xattrs']): boolean {
  if ((a?.size ?? 0) !== (b?.size ?? 0)) return false;
  for (const [name, value] of a ?? []) {
    const other = b?.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}
