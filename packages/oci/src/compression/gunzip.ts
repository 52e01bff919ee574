import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip, createInflateRaw } from 'node:zlib';
import { OciError } from '../spec/oci-error.ts';
import { ByteQueue } from './byte-queue.ts';

const CHUNK_SIZE = 256 * 1024;
/** RFC 1952 §2.3.1: the flags of optional fields in a member's header. */
const HAS_HEADER_CRC = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;
const RESERVED = 0xe0;
/** Longest name or comment in a header that is read, bytes. */
const MAX_TEXT = 64 * 1024;
/** Members that are taken one by one. Archives with more (an index for each file has one each) go through zlib's own loop. */
const SINGLE_MEMBERS = 64;

/**
 * Undoes gzip (RFC 1952), one member or more. What follows the last member and is no member is ignored, as gzip(1) does: zeros
 * of a tape's last block, a signature. zlib's own loop over members cannot tell where the last one ended.
 * @throws OciError `LAYER_INVALID` for damaged or cut data
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const input = new ByteQueue(source);
  try {
    for (let members = 0; await beginsMember(input, members); members++) {
      if (members === SINGLE_MEMBERS) return yield* manyMembers(input);
      yield* inflateMember(input);
    }
    await input.drain();
  } catch (error) {
    throw codeOf(error).startsWith('Z_') ? damaged((error as Error).message, error) : error;
  } finally {
    await input.close();
  }
}

/** Reads the header of the next member; false when there is none. */
async function beginsMember(input: ByteQueue, before: number): Promise<boolean> {
  const head = await input.takeExactly(10);
  const isMember = head[0] === 0x1f && head[1] === 0x8b;
  if (before > 0 && !isMember) return false;
  if (!isMember || head.length < 10) throw damaged('unexpected end of file');
  if (before === SINGLE_MEMBERS) {
    input.putBack(head);
    return true;
  }
  const flags = head[3] ?? 0;
  if (head[2] !== 8) throw damaged('unknown compression method');
  if ((flags & RESERVED) !== 0) throw damaged('unknown header flags set');
  if ((flags & HAS_EXTRA) !== 0) await skip(input, (await exactly(input, 2)).readUInt16LE(0));
  if ((flags & HAS_NAME) !== 0) await skipText(input);
  if ((flags & HAS_COMMENT) !== 0) await skipText(input);
  if ((flags & HAS_HEADER_CRC) !== 0) await skip(input, 2);
  return true;
}

async function* inflateMember(input: ByteQueue): AsyncGenerator<Uint8Array, void, undefined> {
  const inflater = createInflateRaw({ chunkSize: CHUNK_SIZE });
  const fed = feed(inflater, input);
  // The loop below waits for the inflater, and sees the error of the source by way of it.
  fed.catch((error: unknown) => inflater.destroy(error as Error));
  let checksum = 0;
  let size = 0;
  try {
    for await (const chunk of inflater) {
      checksum = crc32(chunk as Buffer, checksum);
      size = (size + (chunk as Buffer).length) % 2 ** 32;
      yield chunk as Buffer;
    }
    await fed;
  } finally {
    inflater.destroy();
  }
  const trailer = await exactly(input, 8);
  if (trailer.readUInt32LE(0) !== checksum >>> 0) throw damaged('incorrect data check');
  if (trailer.readUInt32LE(4) !== size) throw damaged('incorrect length check');
}

/** Gives the inflater its input until it wants no more, and puts back what is not its own. */
async function feed(inflater: ReturnType<typeof createInflateRaw>, input: ByteQueue): Promise<void> {
  let given = 0;
  let recent: Uint8Array[] = [];
  while (!inflater.readableEnded && !inflater.destroyed) {
    const chunk = await input.take();
    if (chunk === undefined) {
      inflater.end();
      return;
    }
    given += chunk.length;
    recent.push(chunk);
    await new Promise<void>((resolve, reject) => {
      inflater.write(chunk, (error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
    if (inflater.bytesWritten < given) break;
    recent = [];
  }
  const rest = Buffer.concat(recent);
  input.putBack(rest.subarray(rest.length - (given - inflater.bytesWritten)));
}

async function* manyMembers(input: ByteQueue): AsyncGenerator<Uint8Array, void, undefined> {
  const inflater = createGunzip({ chunkSize: CHUNK_SIZE });
  const source = Readable.from(input.rest(), { objectMode: true, highWaterMark: 1 });
  const piped = pipeline(source, inflater);
  piped.catch(() => undefined);
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
    // zlib ends at a zero byte behind a member, with input left.
    await piped.catch((error: unknown) => {
      if (!['ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'].includes(codeOf(error))) throw error;
    });
  } finally {
    source.destroy();
    inflater.destroy();
  }
}

async function exactly(input: ByteQueue, size: number): Promise<Buffer> {
  const bytes = await input.takeExactly(size);
  if (bytes.length < size) throw damaged('unexpected end of file');
  return bytes;
}

async function skip(input: ByteQueue, size: number): Promise<void> {
  await exactly(input, size);
}

/** Passes over a text that ends with a zero byte. */
async function skipText(input: ByteQueue): Promise<void> {
  for (let left = MAX_TEXT; left > 0; ) {
    const chunk = await input.take(left);
    if (chunk === undefined) throw damaged('unexpected end of file');
    const end = chunk.indexOf(0);
    if (end >= 0) return input.putBack(chunk.subarray(end + 1));
    left -= chunk.length;
  }
  throw damaged(`a name of more than ${MAX_TEXT} bytes`);
}

function damaged(reason: string, cause?: unknown): OciError {
  return new OciError('LAYER_INVALID', `damaged gzip data: ${reason}`, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
