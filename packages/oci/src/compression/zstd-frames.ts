import { ByteQueue } from './byte-queue.ts';

const FRAME = 0xfd2fb528;
/** RFC 8878 §3.1.2: the sixteen magic numbers of frames for others, without their last digit. */
const SKIPPABLE = 0x184d2a50;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const DICTIONARY_BYTES = [0, 1, 2, 4];
const RLE_BLOCK = 1;

/**
 * The frames of zstd data (RFC 8878 §3.1), told by their headers alone; what follows the last one and is no frame is left
 * away, as gzip(1) does with its own format. Damaged and cut data goes through, for the decoder to find.
 */
export async function* zstdFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const input = new ByteQueue(source);
  try {
    for (let isFirst = true; ; isFirst = false) {
      const magic = await input.takeExactly(4);
      const number = magic.length < 4 ? 0 : magic.readUInt32LE(0);
      const isSkippable = (number & 0xfffffff0) === SKIPPABLE;
      if (!isFirst && number !== FRAME && !isSkippable) return await input.drain();
      yield magic;
      const isWhole = isSkippable ? yield* skippableFrame(input) : yield* frame(input);
      if (!isWhole) return yield* input.rest();
    }
  } finally {
    await input.close();
  }
}

type Passed = AsyncGenerator<Uint8Array, boolean, undefined>;

async function* skippableFrame(input: ByteQueue): Passed {
  const size = await input.takeExactly(4);
  yield size;
  return size.length === 4 && (yield* pass(input, size.readUInt32LE(0)));
}

async function* frame(input: ByteQueue): Passed {
  const descriptor = await input.takeExactly(1);
  yield descriptor;
  const flags = descriptor[0] ?? 0;
  const isSingleSegment = (flags & 0x20) !== 0;
  const contentSize = CONTENT_SIZE_BYTES[flags >> 6] || (isSingleSegment ? 1 : 0);
  const header = (isSingleSegment ? 0 : 1) + (DICTIONARY_BYTES[flags & 3] ?? 0) + contentSize;
  if (!(yield* pass(input, header))) return false;
  for (let isLast = false; !isLast; ) {
    const block = await input.takeExactly(3);
    yield block;
    if (block.length < 3) return false;
    const bits = block.readUIntLE(0, 3);
    isLast = (bits & 1) !== 0;
    const isRun = ((bits >> 1) & 3) === RLE_BLOCK;
    if (!(yield* pass(input, isRun ? 1 : bits >> 3))) return false;
  }
  return (flags & 4) === 0 || (yield* pass(input, 4));
}

/** Passes `size` bytes on; false when there are fewer. */
async function* pass(input: ByteQueue, size: number): Passed {
  for (let left = size; left > 0; ) {
    const piece = await input.take(left);
    if (piece === undefined) return false;
    left -= piece.length;
    yield piece;
  }
  return true;
}
