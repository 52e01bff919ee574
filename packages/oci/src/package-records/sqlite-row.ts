import { unreadable } from './package-file.ts';

/** The columns of a row. A column that is the rowid itself is its number; reals are not read and come as null. */
export type SqliteRow = readonly (number | string | Uint8Array | null)[];

/** More columns than SQLite allows. */
const MAX_COLUMNS = 32_767;

/** A variable-length integer of SQLite, up to 2^53; `end` is where it ends. @throws OciError when it leaves the bytes */
export function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw unreadable('a number of the SQLite database leaves its page');
    value = i === 8 ? value * 256 + byte : value * 128 + (byte & 0x7f);
    if (i === 8 || byte < 0x80) return { value, end: at + i + 1 };
  }
  throw unreadable('a number of the SQLite database has no end');
}

/** Decodes a row by its header of serial types. */
export function decodeRow(row: Uint8Array, rowid: number): SqliteRow {
  const header = readVarint(row, 0);
  if (header.value > row.length) throw unreadable('a row of the SQLite database is damaged');
  const columns: (number | string | Uint8Array | null)[] = [];
  let type = header.end;
  let at = header.value;
  while (type < header.value && columns.length < MAX_COLUMNS) {
    const serial = readVarint(row, type);
    type = serial.end;
    const size = sizeOf(serial.value);
    if (at + size > row.length) throw unreadable('a column of the SQLite database leaves its row');
    const column = decodeColumn(serial.value, row.subarray(at, at + size));
    // An INTEGER PRIMARY KEY is stored as NULL and is the rowid.
    columns.push(column === null && columns.length === 0 ? rowid : column);
    at += size;
  }
  return columns;
}

const INTEGER_SIZES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

function sizeOf(serial: number): number {
  return serial < 12 ? (INTEGER_SIZES[serial] ?? 0) : Math.floor((serial - 12) / 2);
}

function decodeColumn(serial: number, bytes: Uint8Array): number | string | Uint8Array | null {
  if (serial === 8 || serial === 9) return serial - 8;
  if (serial >= 12) return serial % 2 === 0 ? bytes : new TextDecoder('utf-8').decode(bytes);
  if (serial === 0 || serial > 6) return null;
  let value = (bytes[0] ?? 0) >= 0x80 ? -1 : 0;
  for (const byte of bytes) value = value * 256 + byte;
  return value;
}
