import { OciError } from '../spec/oci-error.ts';
import { gunzip } from './gunzip.ts';
import { unzstd } from './zstd.ts';

/** How a layer or archive is compressed, told from its first bytes. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** Bounds on what is decompressed; beyond them `LIMIT_EXCEEDED`. */
export interface DecompressOptions {
  /** Bytes out; 256 GiB unless told. */
  readonly maxBytes?: number;
  /** Largest ratio of bytes out to bytes in, looked at from 1 MiB of output on; none unless told. gzip ends near 1030. */
  readonly maxRatio?: number;
}

const MAX_BYTES = 256 * 1024 ** 3;
const RATIO_GRACE = 1024 * 1024;

/** RFC 1952 §2.3.1; RFC 8878 §3.1.1; the xz file format §2.1.1.1; bzip2's `BZh`. */
const MAGICS: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
/** The longest of them, in bytes. */
const SNIFF_SIZE = 6;

/** Tells the compression from the first bytes of some data; six are enough. */
export function sniffCompression(head: Uint8Array): Compression {
  for (const [compression, magic] of MAGICS) {
    if (magic.every((byte, i) => head[i] === byte)) return compression;
  }
  return 'none';
}

/**
 * The plain bytes of `source`, whatever its compression; plain bytes pass as they are. gzip may have several members,
 * zstd several frames; anything else behind them is ignored, as gzip(1) does. An error may come after bytes: commit nothing before the end.
 * @throws OciError `LAYER_INVALID` for damaged or cut data, `LIMIT_EXCEEDED`, `UNSUPPORTED` for xz and bzip2, and for zstd
 * where neither Node nor the program `zstd` is there to undo it
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { head, all } = await peek(source);
  const compression = sniffCompression(head);
  const meter = new RatioMeter(options);
  if (compression === 'none') yield* meter.plain(all);
  else if (compression === 'gzip') yield* meter.outputs(gunzip(meter.input(all)));
  else if (compression === 'zstd') yield* meter.outputs(unzstd(meter.input(all)));
  else {
    await all.return?.(undefined);
    throw new OciError('UNSUPPORTED', `${compression} compression is not supported: use gzip, zstd or no compression`);
  }
}

/** Counts both sides and holds the limits. */
class RatioMeter {
  readonly #maxBytes: number;
  readonly #maxRatio: number;
  #bytesOut = 0;
  bytesIn = 0;

  constructor(options: DecompressOptions) {
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#maxRatio = options.maxRatio ?? Number.POSITIVE_INFINITY;
  }

  async *input(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      this.bytesIn += chunk.length;
      yield chunk;
    }
  }

  async *plain(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.outputs(this.input(source));
  }

  async *outputs(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) yield this.output(chunk);
  }

  output(chunk: Uint8Array): Uint8Array {
    this.#bytesOut += chunk.length;
    if (this.#bytesOut > this.#maxBytes) {
      throw new OciError('LIMIT_EXCEEDED', `the compressed data unpacks to more than ${this.#maxBytes} bytes`);
    }
    if (this.#bytesOut > RATIO_GRACE && this.#bytesOut > this.bytesIn * this.#maxRatio) {
      throw new OciError('LIMIT_EXCEEDED', `the data is compressed more than ${this.#maxRatio} to 1`);
    }
    return chunk;
  }
}

/** The first bytes, and everything once more from the start. */
async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array; all: AsyncGenerator<Uint8Array, void, undefined> }> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < SNIFF_SIZE) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return { head, all: rejoin(head, iterator) };
}

async function* rejoin(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (head.length > 0) yield head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}
