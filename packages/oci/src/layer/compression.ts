/** How a layer or archive is compressed, told from its first bytes. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** Bounds on what is decompressed; beyond them `LIMIT_EXCEEDED`. */
export interface DecompressOptions {
  readonly maxBytes?: number;
  /** Largest ratio of bytes out to bytes in. */
  readonly maxRatio?: number;
}

/** Tells the compression from the first bytes (6 are enough). */
export function sniffCompression(head: Uint8Array): Compression {
  throw new Error(`not there yet: ${head.length}`);
}

/** The plain bytes of `source`, whatever its compression. */
export function decompress(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncIterable<Uint8Array> {
  throw new Error(`not there yet: ${typeof source} ${options.maxBytes}`);
}
