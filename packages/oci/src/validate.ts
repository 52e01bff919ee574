import type { BlobStore } from './blob/blob-store.ts';
import { readBlob } from './blob/read-blob.ts';
import { checkBlob, portableHasher } from './blob/verify.ts';
import type { Descriptor } from './descriptor.ts';
import { digestAlgorithm } from './digest.ts';
import type { Digest } from './digest.ts';
import { OciError } from './errors.ts';
import { decodeImageConfig } from './image-config.ts';
import type { ImageConfig } from './image-config.ts';
import { decodeManifest } from './manifest.ts';
import { isConfigType, isManifestType, layerCompression } from './media-type.ts';

/** One thing that is wrong with an image: where, and what. */
export interface ImageProblem {
  /** `manifest`, `config`, `layers[2]`. */
  readonly where: string;
  readonly message: string;
}

/** Choices of {@link validateImage}. */
export interface ValidateImageOptions {
  /** Read the layers too and check their digests and diffIDs; true unless told. It is by far the most work. */
  readonly layers?: boolean;
}

/**
 * Checks everything that must hold of a stored image: digests and sizes, media types, that config and manifest agree on
 * the layers, that the layers' uncompressed digests are the config's diffIDs, that the history explains every layer. All
 * problems are collected; an empty list means that the image is sound.
 */
export async function validateImage(
  blobs: BlobStore,
  manifest: Descriptor,
  options: ValidateImageOptions = {},
): Promise<readonly ImageProblem[]> {
  const problems: ImageProblem[] = [];
  const report = (where: string, message: string): void => void problems.push({ where, message });
  const attempt = async <T>(where: string, action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof OciError)) throw error;
      report(where, error.message);
      return undefined;
    }
  };
  const type = isManifestType(manifest.mediaType) ? manifest.mediaType : undefined;
  if (type === undefined) report('manifest', `the media type ${manifest.mediaType} is no manifest's`);
  const decoded = await attempt('manifest', async () => decodeManifest(await readBlob(blobs, manifest), type));
  if (decoded === undefined) return problems;
  if (!isConfigType(decoded.config.mediaType)) {
    report('config', `the media type ${decoded.config.mediaType} is no image config's`);
  }
  const config = await attempt('config', async () => decodeImageConfig(await readBlob(blobs, decoded.config)));
  if (config !== undefined) checkConfig(config, decoded.layers.length, report);
  for (const [i, layer] of decoded.layers.entries()) {
    const where = `layers[${i}]`;
    await attempt(where, () => checkLayer(blobs, layer, config?.rootfs.diff_ids[i], options.layers !== false));
  }
  return problems;
}

function checkConfig(config: ImageConfig, layers: number, report: (where: string, message: string) => void): void {
  const diffIds = config.rootfs.diff_ids.length;
  if (diffIds !== layers) report('config', `rootfs.diff_ids lists ${diffIds} layers, the manifest ${layers}`);
  if (config.history !== undefined) {
    const filled = config.history.filter((entry) => entry.empty_layer !== true).length;
    if (filled !== diffIds)
      report('config', `the history has ${filled} entries with a layer, but there are ${diffIds} layers`);
  }
  if (config.architecture === '') report('config', 'the architecture is missing');
}

async function checkLayer(
  blobs: BlobStore,
  layer: Descriptor,
  diffId: Digest | undefined,
  content: boolean,
): Promise<void> {
  const compression = layerCompression(layer.mediaType);
  if (compression === undefined) {
    throw new OciError('MANIFEST_INVALID', `the media type ${layer.mediaType} is no layer's`);
  }
  const info = await blobs.has(layer.digest);
  if (info === undefined) throw new OciError('BLOB_NOT_FOUND', `blob ${layer.digest} is not in the store`);
  checkBlob(info, layer);
  if (compression === 'none' && diffId !== undefined && diffId !== layer.digest) {
    throw new OciError('CONFIG_INVALID', `its digest is ${layer.digest}, but the config's diffID is ${diffId}`);
  }
  if (!content) return;
  if (compression === 'none') await drain(blobs.open(layer.digest));
  else if (compression === 'gzip' && diffId !== undefined) await checkGzip(blobs, layer, diffId);
  else if (compression === 'zstd') throw new OciError('UNSUPPORTED', 'zstd layers cannot be checked yet');
}

/**
 * Decompressed by the platform's own stream, so that this works in browsers too. Each chunk waits until the one before is
 * taken: Node's stream has room for 16384 chunks, so that `pipeThrough` would fill the memory with the layer.
 */
async function checkGzip(blobs: BlobStore, layer: Descriptor, diffId: Digest): Promise<void> {
  const { readable, writable } = new DecompressionStream('gzip');
  const writer = writable.getWriter();
  const feed = async (): Promise<void> => {
    try {
      for await (const chunk of blobs.open(layer.digest)) await writer.write(new Uint8Array(chunk));
      await writer.close();
    } catch (error) {
      await writer.abort(error).catch(() => undefined);
      throw error;
    }
  };
  const fed = feed();
  const hasher = portableHasher(digestAlgorithm(diffId));
  const hashed = (async (): Promise<void> => {
    for await (const chunk of readable) hasher.update(chunk);
  })();
  const failures = (await Promise.allSettled([fed, hashed])).flatMap((end) =>
    end.status === 'rejected' ? [end.reason as unknown] : [],
  );
  const ours = failures.find((error) => error instanceof OciError);
  if (ours !== undefined) throw ours;
  if (failures.length > 0) {
    const [error] = failures;
    throw new OciError(
      'LAYER_INVALID',
      `the gzip stream is damaged (${error instanceof Error ? error.message : error})`,
    );
  }
  const digest = hasher.digest();
  if (digest !== diffId) {
    throw new OciError('CONFIG_INVALID', `its uncompressed digest is ${digest}, but the config's diffID is ${diffId}`);
  }
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of source) void chunk;
}
