import { nodeHasher } from '../blob/directory-writer.ts';
import { verified } from '../blob/verify.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';

/**
 * A blob to be sent in pieces, read once while all goes well. Each piece is held until the next is asked for, so an
 * interrupted piece goes on from memory; going further back opens the source again.
 */
export class ChunkSource {
  readonly #descriptor: Descriptor;
  readonly #open: () => AsyncIterable<Uint8Array>;
  #source: AsyncIterator<Uint8Array> | undefined;
  /** The part of the source's last chunk that did not fit into the piece. */
  #rest: Uint8Array = new Uint8Array();
  /** One for all pieces: when the next is asked for, the last has been sent or its connection is gone. */
  #buffer: Uint8Array = new Uint8Array();
  #piece: Uint8Array = new Uint8Array();
  #pieceStart = 0;

  constructor(descriptor: Descriptor, open: () => AsyncIterable<Uint8Array>) {
    this.#descriptor = descriptor;
    this.#open = open;
  }

  /**
   * The bytes from `offset`, at most `length` and fewer only at the end of the blob or of the piece in memory.
   * @throws OciError `BLOB_CORRUPT` when the source is not what the descriptor says; nothing of its last piece is given then
   */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = this.#pieceStart + this.#piece.length;
    if (this.#source !== undefined && offset >= this.#pieceStart && offset < end) {
      return this.#piece.subarray(offset - this.#pieceStart, offset - this.#pieceStart + length);
    }
    if (this.#source === undefined || offset < this.#pieceStart) await this.#restart();
    while (this.#pieceStart + this.#piece.length < offset) {
      const from = this.#pieceStart + this.#piece.length;
      await this.#fill(from, Math.min(length, offset - from));
    }
    await this.#fill(offset, length);
    return this.#piece;
  }

  async #restart(): Promise<void> {
    await this.close();
    const hasher = nodeHasher(digestAlgorithm(this.#descriptor.digest));
    this.#source = verified(this.#open(), this.#descriptor, hasher);
    this.#rest = new Uint8Array();
    this.#piece = new Uint8Array();
    this.#pieceStart = 0;
  }

  async #fill(start: number, length: number): Promise<void> {
    const wanted = Math.min(length, this.#descriptor.size - start);
    if (this.#buffer.length < wanted) this.#buffer = Buffer.allocUnsafeSlow(wanted);
    let filled = 0;
    while (filled < wanted) {
      if (this.#rest.length === 0 && !(await this.#advance())) break;
      const taken = Math.min(this.#rest.length, wanted - filled);
      this.#buffer.set(this.#rest.subarray(0, taken), filled);
      this.#rest = this.#rest.subarray(taken);
      filled += taken;
    }
    // Reading past the last byte makes the source compare digests, before the piece that completes the blob is sent.
    if (start + filled === this.#descriptor.size) await this.#advance();
    this.#piece = this.#buffer.subarray(0, filled);
    this.#pieceStart = start;
  }

  async #advance(): Promise<boolean> {
    for (;;) {
      const next = await this.#source?.next();
      if (next === undefined || next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#rest = next.value;
      return true;
    }
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#source?.return?.();
    this.#source = undefined;
  }
}
