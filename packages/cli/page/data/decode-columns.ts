import { COLUMNS, type ColumnName, KINDS, SAME_CONTENT } from '../../src/explore/entry-columns.ts';

/** The entries of all layers in typed arrays. */
export interface Entries {
  readonly count: number;
  /** How many bytes the path of each entry shares with the one before it. */
  readonly shared: Uint32Array;
  readonly names: Uint8Array;
  /** Where the own bytes of each path begin in `names`; one more than there are entries. */
  readonly nameStart: Uint32Array;
  readonly layer: Uint16Array;
  /** Indexes of `KINDS`. */
  readonly kind: Uint8Array;
  readonly sameContent: Uint8Array;
  readonly size: Float64Array;
  readonly attribute: Uint32Array;
  /** Three numbers each: mode, uid, gid. */
  readonly attributes: readonly number[];
  readonly mtime: Float64Array;
  readonly group: Uint32Array;
  /** Targets of links, as byte strings, by entry. */
  readonly targets: ReadonlyMap<number, string>;
}

const SYMLINK = KINDS.indexOf('symlink');
const HARDLINK = KINDS.indexOf('hardlink');

/** Reads what `encodeColumns` wrote. @throws RangeError when it ends too early */
export function decodeColumns(bytes: Uint8Array): Entries {
  const whole = new Numbers(bytes);
  const count = whole.next();
  const columns = {} as Record<ColumnName, Uint8Array>;
  for (const name of COLUMNS) columns[name] = whole.take(whole.next());
  const [shared, lengths] = [new Uint32Array(count), new Numbers(columns.length)];
  const nameStart = new Uint32Array(count + 1);
  const sharedNumbers = new Numbers(columns.shared);
  for (let i = 0; i < count; i++) {
    shared[i] = sharedNumbers.next();
    nameStart[i + 1] = (nameStart[i] ?? 0) + lengths.next();
  }
  const kinds = columns.kinds;
  const kind = kinds.map((value) => value & ~SAME_CONTENT);
  return {
    count,
    shared,
    names: columns.names,
    nameStart,
    layer: layersOf(columns.layers, count),
    kind,
    sameContent: kinds.map((value) => ((value & SAME_CONTENT) === 0 ? 0 : 1)),
    size: Float64Array.from(all(columns.sizes, count)),
    attribute: Uint32Array.from(all(columns.attributes, count)),
    attributes: [...rest(columns.attributeValues)],
    mtime: timesOf(columns.times, count),
    group: Uint32Array.from(all(columns.groups, count)),
    targets: targetsOf(columns.targets, kind),
  };
}

function layersOf(bytes: Uint8Array, count: number): Uint16Array {
  const numbers = new Numbers(bytes);
  const layers = new Uint16Array(count);
  for (let at = 0; at < count; ) {
    const layer = numbers.next();
    const end = at + numbers.next();
    layers.fill(layer, at, end);
    at = end;
  }
  return layers;
}

function timesOf(bytes: Uint8Array, count: number): Float64Array {
  const numbers = new Numbers(bytes);
  const times = new Float64Array(count);
  let time = 0;
  for (let i = 0; i < count; i++) {
    const value = numbers.next();
    time += value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    times[i] = time;
  }
  return times;
}

function targetsOf(bytes: Uint8Array, kind: Uint8Array): ReadonlyMap<number, string> {
  const numbers = new Numbers(bytes);
  const targets = new Map<number, string>();
  for (let i = 0; i < kind.length; i++) {
    if (kind[i] === SYMLINK || kind[i] === HARDLINK) targets.set(i, byteString(numbers.take(numbers.next())));
  }
  return targets;
}

/** One character for each byte; in pieces, because a call takes only so many arguments. */
export function byteString(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

function* all(bytes: Uint8Array, count: number): Generator<number> {
  const numbers = new Numbers(bytes);
  for (let i = 0; i < count; i++) yield numbers.next();
}

function* rest(bytes: Uint8Array): Generator<number> {
  const numbers = new Numbers(bytes);
  while (!numbers.ended) yield numbers.next();
}

/** Reads varints. */
class Numbers {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('the data of this page is cut off');
      if (byte < 0x80) return value + byte * factor;
      value += (byte & 0x7f) * factor;
    }
  }

  take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new RangeError('the data of this page is cut off');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
