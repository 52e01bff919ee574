import { ftruncateSync, writeSync } from 'node:fs';

/** A run of zeros shorter than this is written: file systems give room by the block, and holes cost a little, too. Bytes. */
const SMALLEST_HOLE = 64 * 1024;

/** What is written, or left out, at once; bytes. */
const PIECE = 1024 * 1024;

const ZEROS = Buffer.alloc(PIECE);

/**
 * Writes a new file from its beginning, and leaves holes where whole pieces are zeros: a file with a hole of gibibytes (a
 * `lastlog` of a user with a high id) costs no room on the disk when it is stored or unpacked. What is read is the same.
 */
export class SparseFile {
  readonly #fd: number;
  #size = 0;
  #hasHole = false;
  #endsInHole = false;

  /** @param fd an empty file, open for writing */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws the file system's errors */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE) this.#piece(bytes.subarray(at, at + PIECE));
  }

  #piece(bytes: Uint8Array): void {
    this.#endsInHole = bytes.length >= SMALLEST_HOLE && isZeros(bytes);
    this.#hasHole ||= this.#endsInHole;
    if (!this.#endsInHole) {
      for (let at = 0; at < bytes.length; ) {
        // Without a hole the file's own position is the right one.
        at += writeSync(this.#fd, bytes, at, bytes.length - at, this.#hasHole ? this.#size + at : null);
      }
    }
    this.#size += bytes.length;
  }

  /** Gives the file its whole size. @throws the file system's errors */
  finish(): void {
    if (this.#endsInHole) ftruncateSync(this.#fd, this.#size);
  }
}

/** The comparison ends at the first byte that is not zero: it costs nothing for what is no hole. */
function isZeros(piece: Uint8Array): boolean {
  return Buffer.compare(piece, ZEROS.subarray(0, piece.length)) === 0;
}
