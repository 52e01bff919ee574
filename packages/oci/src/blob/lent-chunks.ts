import { readSync } from 'node:fs';
import type { BlobInfo } from './blob-store.ts';
import { checkBlob } from './verify.ts';
import type { Hasher } from './verify.ts';

const CHUNK_SIZE = 1024 * 1024;
/** What is read and hashed at once fits the nearer caches of a core. */
const PIECE_SIZE = 128 * 1024;

/**
 * Passes a whole blob on and checks it as `verified` does, in chunks whose memory is used again: two take turns, so that one
 * is written by somebody else while the other is filled and hashed here. Memory of its own for each chunk would cost the
 * system as much as copying.
 * @throws OciError `BLOB_CORRUPT`; after no more than `expected.size` bytes
 */
export async function* lentChunks(
  fd: number,
  expected: BlobInfo,
  hasher: Hasher,
): AsyncGenerator<Uint8Array, void, undefined> {
  // One byte more than there may be, so that a longer blob shows.
  const end = expected.size + 1;
  const memory = Buffer.allocUnsafeSlow(2 * Math.min(CHUNK_SIZE, end));
  const half = memory.length / 2;
  let size = 0;
  for (let turn = 0; ; turn = half - turn) {
    const chunk = memory.subarray(turn, turn + half);
    const filled = fill(fd, chunk.subarray(0, end - size), size, hasher);
    size += filled;
    if (filled === 0 || size > expected.size) break;
    yield chunk.subarray(0, filled);
  }
  checkBlob({ digest: hasher.digest(), size }, expected);
}

/** Reads from `position`, and hashes; returns the bytes, fewer than asked for only at the end. */
function fill(fd: number, chunk: Uint8Array, position: number, hasher: Hasher): number {
  let filled = 0;
  while (filled < chunk.length) {
    const count = readSync(fd, chunk, filled, Math.min(PIECE_SIZE, chunk.length - filled), position + filled);
    if (count === 0) break;
    hasher.update(chunk.subarray(filled, filled + count));
    filled += count;
  }
  return filled;
}
