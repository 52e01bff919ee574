import { availableParallelism } from 'node:os';
import { constants, crc32, deflateRaw } from 'node:zlib';

/** Choices of {@link gzipLayer}. */
export interface GzipOptions {
  /** 1 (fast) to 9 (small); 5 unless told: within half a percent of 6's size for a quarter less work. */
  readonly level?: number;
  /** Blocks that are compressed at once; as many as the machine has cores unless told. Does not change the bytes. */
  readonly parallel?: number;
}

/** What one call compresses. Part of the format: another size gives other bytes. */
const BLOCK_SIZE = 1024 * 1024;
/** How far deflate can look back (RFC 1951 §2). */
const WINDOW_SIZE = 32 * 1024;
/** RFC 1952 §2.3.1: deflate, no flags, no time, no hint about the effort, unknown system. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
/** RFC 1951 §3.2.6: an empty last block with fixed codes. */
const LAST_BLOCK = Uint8Array.of(0x03, 0x00);

/**
 * Compresses with gzip (RFC 1952) on all cores, as pigz does: blocks of 1 MiB, each with the 32 KiB before it as its
 * dictionary and flushed to a byte boundary, so that together they are one deflate stream. The bytes depend on the content
 * and the level (and on Node's zlib), never on cores or on how the input is cut. Memory: a few MiB for each core.
 */
export async function* gzipLayer(
  source: AsyncIterable<Uint8Array>,
  options: GzipOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const level = options.level ?? 5;
  const parallel = Math.max(1, options.parallel ?? availableParallelism());
  // Two more, so that no core waits while the next block is read, nor for this thread, which a block needs every 16 KiB.
  const ahead = parallel === 1 ? 1 : parallel + 2;
  const running: Promise<Uint8Array>[] = [];
  let dictionary: Uint8Array | undefined;
  let checksum = 0;
  let size = 0;
  yield HEADER.slice();
  for await (const block of blocksOf(source)) {
    checksum = crc32(block, checksum);
    size += block.length;
    running.push(deflateBlock(block, level, dictionary));
    dictionary = block.subarray(Math.max(0, block.length - WINDOW_SIZE));
    if (running.length >= ahead) yield await next(running);
  }
  while (running.length > 0) yield await next(running);
  yield LAST_BLOCK.slice();
  yield trailer(checksum, size);
}

function deflateBlock(block: Uint8Array, level: number, dictionary: Uint8Array | undefined): Promise<Uint8Array> {
  const options = { level, finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary !== undefined && { dictionary }) };
  const result = new Promise<Uint8Array>((resolve, reject) => {
    deflateRaw(block, options, (error, packed) => (error === null ? resolve(packed) : reject(error)));
  });
  // Its error is met when its turn comes; one that nobody waits for any more must not end the process.
  result.catch(() => undefined);
  return result;
}

function next(running: Promise<Uint8Array>[]): Promise<Uint8Array> {
  return running.shift() ?? Promise.reject(new Error('no block is running'));
}

/** The input cut into blocks of the one size; each is a buffer of its own. */
async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + BLOCK_SIZE - filled);
      block.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled < BLOCK_SIZE) continue;
      yield block;
      block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** RFC 1952 §2.3.1: CRC-32 and the size modulo 2^32. */
function trailer(checksum: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(checksum >>> 0, 0);
  bytes.writeUInt32LE(size % 2 ** 32, 4);
  return bytes;
}
