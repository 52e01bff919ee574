import { OciError } from '../spec/oci-error.ts';
import { decodeImageConfig } from '../spec/image-config.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import { isImageManifest } from '../spec/manifest.ts';
import type { Manifest } from '../spec/manifest.ts';
import { isLayerType } from '../spec/media-type.ts';

/**
 * The config of an image.
 * @throws OciError `CONFIG_INVALID`; `NOT_AN_IMAGE` for the manifest of an artifact: a signature, a document, a chart
 */
export function imageConfigOf(manifest: Manifest, rawConfig: Uint8Array): ImageConfig {
  if (isImageManifest(manifest)) return decodeImageConfig(rawConfig);
  const { config, layers } = manifest;
  if (layers.length === 0 || !layers.every(({ mediaType }) => isLayerType(mediaType))) throw notAnImage(manifest);
  try {
    // Some tools give the config of an image another type.
    return decodeImageConfig(rawConfig);
  } catch (cause) {
    throw notAnImage(manifest, config.mediaType, cause);
  }
}

function notAnImage({ artifactType, config, layers }: Manifest, found?: string, cause?: unknown): OciError {
  const type = artifactType ?? found ?? layers.find(({ mediaType }) => !isLayerType(mediaType))?.mediaType;
  return new OciError(
    'NOT_AN_IMAGE',
    `this is an artifact (${type ?? config.mediaType}), not an image: artifactFrom reads it, copyContent copies it`,
    { cause },
  );
}
