import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { Readable } from 'node:stream';
import type { Duplex, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { OciError } from '../spec/oci-error.ts';
import { zstdFrames } from './zstd-frames.ts';

/** Choices of {@link zstdLayer}. */
export interface ZstdOptions {
  /** 1 (fast) to 19 (small); 3 unless told. */
  readonly level?: number;
}

/** What decompresses and compresses zstd here: Node's own zlib (22.15 on) or the program `zstd`. */
export type ZstdEngine = 'node' | 'program';

/** Node's zstd streams, where this Node has them; its types say nothing of them for older ones. */
interface ZstdStreams {
  readonly createZstdDecompress: (options?: { readonly chunkSize?: number }) => Duplex;
  readonly createZstdCompress: (options?: { readonly params?: Readonly<Record<number, number>> }) => Duplex;
}

const CHUNK_SIZE = 256 * 1024;
/** ZSTD_c_compressionLevel and ZSTD_c_checksumFlag of zstd.h. */
const PARAMETER_LEVEL = 100;
const PARAMETER_CHECKSUM = 201;

/**
 * Decompresses zstd (RFC 8878), one or more frames: with Node's zlib where that knows zstd, else with the program `zstd`. What
 * follows them and is no frame is ignored.
 * @throws OciError `LAYER_INVALID` for damaged or cut data, `UNSUPPORTED` where neither is there
 */
export async function* unzstd(
  source: AsyncIterable<Uint8Array>,
  engine?: ZstdEngine,
): AsyncGenerator<Uint8Array, void, undefined> {
  const streams = nodeStreams(engine);
  const frames = zstdFrames(source);
  if (streams === undefined) yield* throughProgram(frames, ['-dcq'], 'damaged zstd data');
  else yield* throughStream(frames, streams.createZstdDecompress({ chunkSize: CHUNK_SIZE }), 'damaged zstd data');
}

/**
 * Compresses with zstd, with a checksum of the content. The bytes depend on the version of the encoder: for layers whose
 * digest must be the same everywhere use gzip.
 * @throws OciError `UNSUPPORTED` where neither Node nor a program knows zstd
 */
export async function* zstdLayer(
  source: AsyncIterable<Uint8Array>,
  options: ZstdOptions = {},
  engine?: ZstdEngine,
): AsyncGenerator<Uint8Array, void, undefined> {
  const level = options.level ?? 3;
  const streams = nodeStreams(engine);
  if (streams === undefined) yield* throughProgram(source, [`-${level}`, '-cq', '--check', '-T1'], 'zstd failed');
  else {
    const params = { [PARAMETER_LEVEL]: level, [PARAMETER_CHECKSUM]: 1 };
    yield* throughStream(source, streams.createZstdCompress({ params }), 'zstd failed');
  }
}

function nodeStreams(engine: ZstdEngine | undefined): ZstdStreams | undefined {
  if (engine === 'program' || !('createZstdDecompress' in zlib)) return undefined;
  return zlib as unknown as ZstdStreams;
}

async function* throughStream(
  source: AsyncIterable<Uint8Array>,
  stream: Duplex,
  failure: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  const piped = pipeline(input, stream);
  // The loop below sees the same error; unheard here it would end the process.
  piped.catch(() => undefined);
  try {
    for await (const chunk of stream) yield chunk as Buffer;
    await piped;
  } catch (error) {
    throw isZstdError(error) ? new OciError('LAYER_INVALID', `${failure}: ${error.message}`, { cause: error }) : error;
  } finally {
    input.destroy();
    stream.destroy();
  }
}

function isZstdError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^(?:ZSTD_|Z_)/.test(String(error.code));
}

async function* throughProgram(
  source: AsyncIterable<Uint8Array>,
  args: readonly string[],
  failure: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const child = spawn('zstd', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = endOf(child);
  ended.catch(() => undefined);
  let sourceError: { readonly error: unknown } | undefined;
  const input = Readable.from(
    catching(source, (error) => (sourceError = { error })),
    { highWaterMark: 1 },
  );
  const fed = pipeline(input, child.stdin);
  // A program that stopped early closes its input; why is told by its exit.
  fed.catch(() => undefined);
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const { code, said } = await ended;
    if (sourceError !== undefined) throw sourceError.error;
    if (code !== 0) throw new OciError('LAYER_INVALID', `${failure}: ${said}`);
  } finally {
    input.destroy();
    child.kill('SIGKILL');
  }
}

async function* catching(
  source: AsyncIterable<Uint8Array>,
  note: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* source;
  } catch (error) {
    note(error);
    throw error;
  }
}

function endOf(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
): Promise<{ readonly code: number | null; readonly said: string }> {
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 1000) said += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code) => resolve({ code, said: said.trim().split('\n')[0] ?? '' }));
    child.once('error', (cause) => {
      const missing = 'code' in cause && cause.code === 'ENOENT';
      const advice = 'install the program zstd (Debian: apt install zstd), or use Node 22.15 or newer';
      reject(missing ? new OciError('UNSUPPORTED', `zstd is not supported here: ${advice}`, { cause }) : cause);
    });
  });
}
