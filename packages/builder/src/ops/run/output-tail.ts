/** How much of a command's output an error message repeats. */
const MAX_LINES = 40;
const MAX_BYTES = 64 * 1024;

/** Keeps the end of an output, bounded in memory whatever the command prints. */
export class OutputTail {
  #chunks: Uint8Array[] = [];
  #size = 0;

  add(chunk: Uint8Array): void {
    // Copied: the producer may reuse its buffer.
    this.#chunks.push(Uint8Array.from(chunk.length > MAX_BYTES ? chunk.subarray(chunk.length - MAX_BYTES) : chunk));
    this.#size += Math.min(chunk.length, MAX_BYTES);
    while (this.#size - (this.#chunks[0]?.length ?? 0) >= MAX_BYTES) {
      this.#size -= this.#chunks.shift()?.length ?? 0;
    }
  }

  /** The last lines, decoded; the first of them may be the end of a longer one. */
  lines(): readonly string[] {
    const text = new TextDecoder().decode(Buffer.concat(this.#chunks)).replace(/\r?\n$/, '');
    return text === '' ? [] : text.split(/\r?\n/).slice(-MAX_LINES);
  }
}
