import { unreadable } from './package-file.ts';
import type { PackageRecord } from './package-record.ts';

/** Numbers of tags and types in rpm's headers (rpmtag.h). */
const TAG = { name: 1000, version: 1001, release: 1002, epoch: 1003, licence: 1014, architecture: 1022, source: 1044 };
const INT32 = 4;
const STRING = 6;
const I18N_STRING = 9;
const ENTRY_SIZE = 16;
/** rpm's own bound on the entries of a header. */
const MAX_ENTRIES = 0xffff;

/**
 * The header of a package as rpm's databases keep it: number of entries, bytes of data, the entries (tag, type, offset,
 * count), the data; everything big-endian.
 */
export function readRpmHeader(header: Uint8Array): PackageRecord {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.length < 8) throw unreadable('a header is truncated');
  const entries = view.getUint32(0);
  const data = 8 + ENTRY_SIZE * entries;
  if (entries > MAX_ENTRIES || data + view.getUint32(4) > header.length) throw unreadable('a header is damaged');
  const values = new Map<number, string | number>();
  const wanted = new Set(Object.values(TAG));
  for (let at = 8; at < data; at += ENTRY_SIZE) {
    const tag = view.getUint32(at);
    if (!wanted.has(tag)) continue;
    const type = view.getUint32(at + 4);
    const position = data + view.getUint32(at + 8);
    if (type === INT32 && position + 4 <= header.length) values.set(tag, view.getUint32(position));
    if (type === STRING || type === I18N_STRING) values.set(tag, stringAt(header, position));
  }
  return recordOf(values);
}

function recordOf(values: ReadonlyMap<number, string | number>): PackageRecord {
  const text = (tag: number): string | undefined => {
    const value = values.get(tag);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [name, version, release] = [text(TAG.name), text(TAG.version), text(TAG.release)];
  if (name === undefined || version === undefined) throw unreadable('a header has no name or no version');
  const epoch = values.get(TAG.epoch);
  const [architecture, source, licence] = [text(TAG.architecture), text(TAG.source), text(TAG.licence)];
  return {
    type: 'rpm',
    name,
    version: release === undefined ? version : `${version}-${release}`,
    ...(architecture !== undefined && { architecture }),
    ...(source !== undefined && { source }),
    ...(typeof epoch === 'number' && { epoch }),
    ...(licence !== undefined && { licence }),
  };
}

function stringAt(header: Uint8Array, position: number): string {
  const end = header.indexOf(0, position);
  if (position > header.length || end < 0) throw unreadable('a text of a header has no end');
  return new TextDecoder('utf-8').decode(header.subarray(position, end));
}
