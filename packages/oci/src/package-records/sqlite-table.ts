import { type PackageFile, readExactly, unreadable } from './package-file.ts';
import { decodeRow, readVarint, type SqliteRow } from './sqlite-row.ts';

const MAGIC = 'SQLite format 3\0';
const HEADER_SIZE = 100;
const TABLE_LEAF = 13;
const TABLE_INTERIOR = 5;
/** Most bytes of one row: rpm's headers of packages with a hundred thousand files stay below it. */
const MAX_ROW = 64 * 1024 ** 2;

/**
 * Tables of an SQLite database (sqlite.org/fileformat2.html), read only: the b-trees of tables with their overflow pages.
 * Indexes, WITHOUT ROWID tables and write-ahead logs are not read. Each page is read once at most, so that pages that point
 * at each other end in an error and not in a loop.
 */
export class SqliteFile {
  readonly #file: PackageFile;
  readonly #pageSize: number;
  /** Bytes of a page that are used. */
  readonly #usable: number;
  readonly #seen = new Set<number>();

  /** @throws OciError `UNSUPPORTED` when it is no such database */
  constructor(file: PackageFile) {
    this.#file = file;
    const header = readExactly(file, 0, HEADER_SIZE);
    if (new TextDecoder('latin1').decode(header.subarray(0, MAGIC.length)) !== MAGIC) {
      throw unreadable('it is no SQLite database');
    }
    const view = viewOf(header);
    const size = view.getUint16(16);
    this.#pageSize = size === 1 ? 65_536 : size;
    this.#usable = this.#pageSize - view.getUint8(20);
    const isSane = this.#pageSize >= 512 && (this.#pageSize & (this.#pageSize - 1)) === 0 && this.#usable >= 480;
    if (!isSane) throw unreadable('its SQLite header is damaged');
    if (view.getUint32(56) > 1) throw unreadable('its texts are UTF-16, which is not read');
  }

  /** The rows of a table. @throws OciError `UNSUPPORTED` when there is none, or the file is damaged */
  *rows(table: string): Generator<SqliteRow, void, undefined> {
    this.#seen.clear();
    const root = this.#rootOf(table);
    this.#seen.clear();
    yield* this.#walk(root);
  }

  /** sqlite_schema: type, name, tbl_name, rootpage, sql. */
  #rootOf(table: string): number {
    for (const [type, name, , root] of this.#walk(1)) {
      if (type === 'table' && name === table && typeof root === 'number') return root;
    }
    throw unreadable(`it has no table ${table}`);
  }

  *#walk(root: number): Generator<SqliteRow, void, undefined> {
    // A stack in place of recursion: a damaged file may be as deep as it has pages.
    const waiting = [root];
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
      const page = this.#page(number);
      const at = number === 1 ? HEADER_SIZE : 0;
      const view = viewOf(page);
      const type = view.getUint8(at);
      const cells = view.getUint16(at + 3);
      if (type === TABLE_LEAF) {
        for (let i = 0; i < cells; i++) yield this.#row(page, view.getUint16(at + 8 + 2 * i));
      } else if (type === TABLE_INTERIOR) {
        waiting.push(view.getUint32(at + 8));
        for (let i = cells - 1; i >= 0; i--) waiting.push(view.getUint32(view.getUint16(at + 12 + 2 * i)));
      } else throw unreadable(`page ${number} of the SQLite database is no page of a table`);
    }
  }

  #row(page: Uint8Array, at: number): SqliteRow {
    const payload = readVarint(page, at);
    const rowid = readVarint(page, payload.end);
    const size = payload.value;
    if (size > MAX_ROW || size > this.#file.size) throw unreadable('a row of the SQLite database is too large');
    // How much of a row stays on its page: fileformat2, "B-tree Cell Format".
    const most = this.#usable - 35;
    if (size <= most) return decodeRow(part(page, rowid.end, size), rowid.value);
    const least = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const wanted = least + ((size - least) % (this.#usable - 4));
    const local = wanted <= most ? wanted : least;
    const row = new Uint8Array(size);
    row.set(part(page, rowid.end, local));
    this.#readOverflow(row, local, viewOf(page).getUint32(rowid.end + local));
    return decodeRow(row, rowid.value);
  }

  #readOverflow(row: Uint8Array, from: number, first: number): void {
    let next = first;
    for (let filled = from; filled < row.length; ) {
      const page = this.#page(next);
      const length = Math.min(row.length - filled, this.#usable - 4);
      row.set(part(page, 4, length), filled);
      filled += length;
      next = viewOf(page).getUint32(0);
    }
  }

  #page(number: number): Uint8Array {
    if (number === 0 || this.#seen.has(number)) {
      throw unreadable('pages of the SQLite database point at each other');
    }
    this.#seen.add(number);
    return readExactly(this.#file, (number - 1) * this.#pageSize, this.#pageSize);
  }
}

function part(page: Uint8Array, at: number, length: number): Uint8Array {
  if (at + length > page.length) throw unreadable('a cell of the SQLite database leaves its page');
  return page.subarray(at, at + length);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
