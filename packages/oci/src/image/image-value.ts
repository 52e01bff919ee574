import { checkBlob, portableHasher, verified } from '../blob/verify.ts';
import { assembleImage } from './image.ts';
import { keepTexts } from '../selection/descriptor-text.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import { imageConfigOf } from '../selection/image-config-of.ts';
import { splitArray, splitObject } from '../spec/json-edit.ts';
import { decodeManifest } from '../spec/manifest.ts';
import type { Manifest } from '../spec/manifest.ts';
import type { Platform } from '../spec/platform.ts';

/**
 * An image as an immutable value, whatever medium it comes from: its documents are read, its layers are not. Changes are
 * functions that return new values (`withLabels`, `appendLayers` …); media are sources and sinks (`fromLayout`, `toRegistry` …).
 */
export interface Image {
  /** Of the manifest; with the platform when the image was chosen from an index. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** The manifest's exact bytes. */
  readonly rawManifest: Uint8Array;
  readonly config: ImageConfig;
  /** The config's exact bytes; their digest is the image ID. */
  readonly rawConfig: Uint8Array;
  /** Lowest first, one for each layer of the manifest. */
  readonly layers: readonly ImageLayer[];
}

/** One layer of an {@link Image}. */
export interface ImageLayer {
  /** As the manifest names it: maybe compressed. */
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar, from the config. */
  readonly diffID: Digest;
  /**
   * The described bytes. Nothing is read before they are asked for; digest and size are checked while they are read, and
   * what came before the end must not be trusted until the end came. May be called any number of times.
   * @throws OciError `BLOB_CORRUPT`, `BLOB_NOT_FOUND`, and of the medium
   */
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The repository that has it, so that a registry can take it from there without a transfer. */
  readonly origin?: ContentOrigin;
}

/** A repository of a registry. */
export interface ContentOrigin {
  readonly registry: string;
  readonly repository: string;
}

/** What an image is made of. */
export interface ImageParts {
  readonly rawManifest: Uint8Array;
  readonly rawConfig: Uint8Array;
  /** The manifest's type as it was announced; the document must agree. */
  readonly mediaType?: string;
  /** What led to the manifest, instead of `mediaType`: digest and size are checked too. */
  readonly descriptor?: Descriptor;
  readonly openLayer: (layer: Descriptor, signal?: AbortSignal) => AsyncIterable<Uint8Array>;
  /** True when `openLayer` checks digest and size itself. */
  readonly verifies?: boolean;
  readonly origin?: ContentOrigin;
}

/**
 * Makes an image of its documents. They are decoded and checked against each other: the config is the one that the manifest
 * names, and has a diffID for each layer.
 * @throws OciError `MANIFEST_INVALID`, `CONFIG_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED`
 */
export function imageOf(parts: ImageParts): Image {
  const { rawManifest, rawConfig, origin } = parts;
  const mediaType = parts.descriptor?.mediaType ?? parts.mediaType;
  const manifest = decodeManifest(rawManifest, mediaType);
  const config = configOf(manifest, rawConfig);
  keepTexts(manifest.layers, layerTextsOf(rawManifest));
  const layers = manifest.layers.map((descriptor, i): ImageLayer => {
    const diffID = config.rootfs.diff_ids[i] ?? descriptor.digest;
    return { descriptor, diffID, open: opener(parts, descriptor), ...(origin !== undefined && { origin }) };
  });
  const descriptor = manifestDescriptor(rawManifest, mediaType ?? manifest.mediaType, parts.descriptor);
  return { descriptor, manifest, rawManifest, config, rawConfig, layers };
}

/** An image whose layers are at hand as values; their descriptors must be the manifest's. For {@link imageOf}'s kin. */
export function imageOfLayers(rawManifest: Uint8Array, rawConfig: Uint8Array, layers: readonly ImageLayer[]): Image {
  const manifest = decodeManifest(rawManifest);
  const config = configOf(manifest, rawConfig);
  const descriptor = manifestDescriptor(rawManifest, manifest.mediaType);
  return { descriptor, manifest, rawManifest, config, rawConfig, layers: layers.slice() };
}

/**
 * The image without layers that `FROM scratch` means, for one platform.
 * @example
 *   const image = appendLayers(emptyImage({ os: 'linux', architecture: 'amd64' }), [{ layer }]);
 */
export function emptyImage(platform: Platform): Image {
  const config = { ...platform, config: {}, rootfs: { type: 'layers' as const, diff_ids: [] }, history: [] };
  const { manifest, config: rawConfig } = assembleImage({ config, layers: [] });
  return imageOfLayers(manifest, rawConfig, []);
}

/** Digest and size of bytes at hand. */
export function contentInfo(
  bytes: Uint8Array,
  algorithm: 'sha256' | 'sha512',
): { readonly digest: Digest; readonly size: number } {
  const hasher = portableHasher(algorithm);
  hasher.update(bytes);
  return { digest: hasher.digest(), size: bytes.length };
}

/** Checks bytes against what led to them. @throws OciError `BLOB_CORRUPT` */
export function checkContent(bytes: Uint8Array, expected: Pick<Descriptor, 'digest' | 'size'>): void {
  checkBlob(contentInfo(bytes, digestAlgorithm(expected.digest)), expected);
}

function layerTextsOf(rawManifest: Uint8Array): readonly string[] {
  const text = splitObject(new TextDecoder().decode(rawManifest)).get('layers');
  return text === undefined ? [] : splitArray(text);
}

function manifestDescriptor(rawManifest: Uint8Array, mediaType: string, announced?: Descriptor): Descriptor {
  if (announced === undefined) return { mediaType, ...contentInfo(rawManifest, 'sha256') };
  checkContent(rawManifest, announced);
  const { digest, size, platform } = announced;
  return { mediaType, digest, size, ...(platform !== undefined && { platform }) };
}

function configOf(manifest: Manifest, rawConfig: Uint8Array): ImageConfig {
  checkContent(rawConfig, manifest.config);
  const config = imageConfigOf(manifest, rawConfig);
  const diffIds = config.rootfs.diff_ids.length;
  if (diffIds === manifest.layers.length) return config;
  throw new OciError(
    'CONFIG_INVALID',
    `image config: rootfs.diff_ids lists ${diffIds} layers, the manifest ${manifest.layers.length}`,
  );
}

function opener(parts: ImageParts, layer: Descriptor): ImageLayer['open'] {
  const source = (signal?: AbortSignal): AsyncIterable<Uint8Array> => abortable(parts, layer, signal);
  if (parts.verifies === true) return source;
  return (signal) => verified(source(signal), layer, portableHasher(digestAlgorithm(layer.digest)));
}

async function* abortable(
  parts: ImageParts,
  layer: Descriptor,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  for await (const chunk of parts.openLayer(layer, signal)) {
    signal?.throwIfAborted();
    yield chunk;
  }
}
