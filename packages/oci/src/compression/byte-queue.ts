/** A stream of bytes that is taken in pieces of any size, and into which what was too much can be put back. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #ahead: Uint8Array[] = [];

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Some bytes, at least one and at most `most`; undefined at the end. */
  async take(most = Number.POSITIVE_INFINITY): Promise<Uint8Array | undefined> {
    let chunk = this.#ahead.pop();
    while (chunk === undefined || chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      chunk = next.value;
    }
    if (chunk.length <= most) return chunk;
    this.#ahead.push(chunk.subarray(most));
    return chunk.subarray(0, most);
  }

  /** The next `size` bytes; fewer at the end. */
  async takeExactly(size: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for (let left = size; left > 0; ) {
      const piece = await this.take(left);
      if (piece === undefined) break;
      pieces.push(piece);
      left -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** Puts bytes back, to be taken next. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#ahead.push(bytes);
  }

  /** Reads to the end, for whoever takes a digest of all bytes. */
  async drain(): Promise<void> {
    while ((await this.take()) !== undefined);
  }

  /** All that is left. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = await this.take(); chunk !== undefined; chunk = await this.take()) yield chunk;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
