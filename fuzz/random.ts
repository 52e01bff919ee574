/** A deterministic source of chance (sfc32): the same seed gives the same numbers on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    [this.#a, this.#b, this.#c] = [hashOf(seed, 0x811c9dc5), hashOf(seed, 0x1234567), hashOf(seed, 0x9e3779b9)];
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A whole number of 32 bits. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** 0 … `limit` - 1; 0 when there is nothing to choose from. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.next() % limit;
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** A piece of something of `length`, often short: where it begins and ends. */
  piece(length: number): { readonly start: number; readonly end: number } {
    const start = this.below(length + 1);
    const most = length - start;
    const size = this.oneIn(2) ? this.below(Math.min(most, 8) + 1) : this.below(most + 1);
    return { start, end: start + size };
  }
}

/** FNV-1a with a final mix. */
function hashOf(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
