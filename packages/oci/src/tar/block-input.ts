/**
 * A byte stream cut to size: the reader's view of its source. Bytes that lie whole in one chunk are handed out as views
 * of it; only what straddles chunks is copied.
 */
export class BlockInput {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #start = 0;
  #ended = false;
  /** Bytes handed out so far. */
  position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes when they are at hand, without waiting. Valid until the next call. */
  tryTake(length: number): Uint8Array | undefined {
    const end = this.#start + length;
    if (end > this.#chunk.length) return undefined;
    const view = this.#chunk.subarray(this.#start, end);
    this.#start = end;
    this.position += length;
    return view;
  }

  /** Fills `target` as far as the source goes; returns how many bytes it got. */
  async readInto(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const piece = await this.takeUpTo(target.length - filled);
      if (piece === undefined) break;
      target.set(piece, filled);
      filled += piece.length;
    }
    return filled;
  }

  /** Some bytes, at least one and at most `length`; undefined at the end of the source. */
  async takeUpTo(length: number): Promise<Uint8Array | undefined> {
    if (this.#start === this.#chunk.length && !(await this.#next())) return undefined;
    return this.tryTake(Math.min(length, this.#chunk.length - this.#start));
  }

  /** Passes over `length` bytes; returns how many there were. */
  async skip(length: number): Promise<number> {
    let left = length;
    while (left > 0) {
      const piece = await this.takeUpTo(left);
      if (piece === undefined) break;
      left -= piece.length;
    }
    return length - left;
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#source.return?.();
  }

  async #next(): Promise<boolean> {
    while (!this.#ended) {
      const result = await this.#source.next();
      if (result.done === true) {
        this.#ended = true;
      } else if (result.value.length > 0) {
        this.#chunk = result.value;
        this.#start = 0;
        return true;
      }
    }
    return false;
  }
}
