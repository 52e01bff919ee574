import { COLUMNS, type ColumnEntry, type ColumnName, KINDS, SAME_CONTENT } from './entry-columns.ts';

/** Entries in the order of a walk, as columns. */
export function encodeColumns(entries: readonly ColumnEntry[]): Uint8Array {
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, new Column()])) as Record<ColumnName, Column>;
  const attributes = new Map<string, number>();
  let path = '';
  let mtime = 0;
  let run = { layer: 0, count: 0 };
  for (const entry of entries) {
    const shared = sharedLength(path, entry.path);
    columns.shared.number(shared);
    columns.length.number(entry.path.length - shared);
    columns.names.bytes(entry.path, shared);
    path = entry.path;
    if (entry.layer !== run.layer) {
      writeRun(columns.layers, run);
      run = { layer: entry.layer, count: 0 };
    }
    run.count++;
    columns.kinds.byte(KINDS.indexOf(entry.kind) | (entry.sameContent ? SAME_CONTENT : 0));
    columns.sizes.number(entry.size);
    columns.attributes.number(attributeOf(entry, attributes, columns.attributeValues));
    columns.times.signed(entry.mtime - mtime);
    mtime = entry.mtime;
    columns.groups.number(entry.group);
    if (entry.kind !== 'symlink' && entry.kind !== 'hardlink') continue;
    columns.targets.number(entry.target.length);
    columns.targets.bytes(entry.target);
  }
  writeRun(columns.layers, run);
  const whole = new Column();
  whole.number(entries.length);
  for (const name of COLUMNS) {
    const bytes = columns[name].result();
    whole.number(bytes.length);
    whole.append(bytes);
  }
  return whole.result();
}

function writeRun(column: Column, { layer, count }: { readonly layer: number; readonly count: number }): void {
  if (count === 0) return;
  column.number(layer);
  column.number(count);
}

function attributeOf({ mode, uid, gid }: ColumnEntry, known: Map<string, number>, values: Column): number {
  const key = `${mode} ${uid} ${gid}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  for (const value of [mode, uid, gid]) values.number(value);
  known.set(key, known.size);
  return known.size - 1;
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a.charCodeAt(shared) === b.charCodeAt(shared)) shared++;
  return shared;
}

/** Bytes that grow. */
class Column {
  #bytes = Buffer.allocUnsafe(1024);
  #length = 0;

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** By division: numbers may have more than 32 bits. */
  number(value: number): void {
    let left = value;
    while (left >= 0x80) {
      this.byte((left % 0x80) | 0x80);
      left = Math.floor(left / 0x80);
    }
    this.byte(left);
  }

  signed(value: number): void {
    this.number(value < 0 ? -value * 2 - 1 : value * 2);
  }

  bytes(text: string, from = 0): void {
    this.#room(text.length - from);
    this.#length += this.#bytes.write(text.slice(from), this.#length, 'latin1');
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  result(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
