import { nodeHasher } from '../blob/directory-writer.ts';
import type { BlobWriter } from '../blob/blob-store.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { MediaType } from '../spec/media-type.ts';
import type { LayerCompression } from '../spec/media-type.ts';
import { gzipLayer } from './gzip.ts';
import type { GzipOptions } from './gzip.ts';
import { zstdLayer } from './zstd.ts';

/** A layer as it was written: what the manifest and what the config say of it. */
export interface CompressedLayer {
  /** Of the packed bytes, with an OCI media type. */
  readonly descriptor: Descriptor;
  readonly diffID: Digest;
  /** Bytes before compression. */
  readonly uncompressedSize: number;
}

/** The OCI media type of a layer that is packed so. */
const LAYER_MEDIA_TYPES: Readonly<Record<LayerCompression, string>> = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
};

/**
 * Compresses a layer (an uncompressed tar) into a blob: diffID, digest and sizes come out of the one pass.
 * @param sink of `BlobStore.create()`; committed at the end, discarded when anything fails
 * @throws OciError `UNSUPPORTED` for zstd where nothing knows it, and of source and sink
 */
export async function compressLayer(
  source: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
  sink: BlobWriter,
  options: GzipOptions = {},
): Promise<CompressedLayer> {
  const hasher = nodeHasher('sha256');
  let uncompressedSize = 0;
  const metered = (async function* () {
    for await (const chunk of source) {
      hasher.update(chunk);
      uncompressedSize += chunk.length;
      yield chunk;
    }
  })();
  try {
    for await (const chunk of packed(metered, compression, options)) sink.write(chunk);
    const info = await sink.commit();
    const descriptor = { mediaType: LAYER_MEDIA_TYPES[compression], ...info };
    return { descriptor, diffID: hasher.digest(), uncompressedSize };
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

function packed(
  source: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
  options: GzipOptions,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'gzip':
      return gzipLayer(source, options);
    case 'zstd':
      return zstdLayer(source, options.level === undefined ? {} : { level: options.level });
    case 'none':
      return source;
    default:
      return compression satisfies never;
  }
}
