/** Bytes taken for a row of decisions, so that mutated bytes become other structures. Behind the end all are 0. */
export class Data {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  below(limit: number): number {
    return limit <= 256 ? this.byte() % limit : (this.byte() * 256 + this.byte()) % limit;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** Up to 255 of the next bytes as a byte string. */
  text(): string {
    const length = this.byte();
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length)).toString('latin1');
    this.#at += length;
    return text;
  }

  /** A whole number of up to 53 bits, often small. */
  number(): number {
    let value = 0;
    for (let left = this.below(8); left > 0; left--) value = value * 256 + this.byte();
    return value % Number.MAX_SAFE_INTEGER;
  }
}

/** Rows of bytes to begin with where bytes become structures; always the same. */
export function dataSeeds(count: number, length: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, seed) =>
    Uint8Array.from({ length }, (_unused, i) => (Math.imul(seed * 7919 + i + 1, 2654435761) >>> 13) & 0xff),
  );
}
