import type { BlobStore } from '../blob/blob-store.ts';
import { checkBlob, notFound, portableHasher } from '../blob/verify.ts';
import { blobContent, readSmall } from '../image/content-source.ts';
import type { ContentSource } from '../image/content-source.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { decodeImageConfig } from '../spec/image-config.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import { decodeImageIndex, isAttestation } from '../spec/image-index.ts';
import type { Image } from '../image/image-value.ts';
import { wholeContent } from '../image/index-building.ts';
import type { MultiPlatformImage } from '../image/index-building.ts';
import { decodeManifest, isImageManifest } from '../spec/manifest.ts';
import type { Manifest } from '../spec/manifest.ts';
import { isConfigType, isIndexType, isManifestType, layerCompression } from '../spec/media-type.ts';
import type { LayerCompression } from '../spec/media-type.ts';
import { formatPlatform } from '../spec/platform.ts';

/** One thing that is wrong with an image: where, and what. */
export interface ImageProblem {
  /** `manifest`, `config`, `layers[2]`; of an index with the platform before it: `linux/arm64: layers[2]`. */
  readonly where: string;
  readonly message: string;
}

/** Choices of {@link validateImage}. */
export interface ValidateImageOptions {
  /** Read the layers too and check their digests and diffIDs; true unless told. It is by far the most work. */
  readonly layers?: boolean;
  readonly signal?: AbortSignal;
}

/** What {@link validateImage} takes beside a stored image: an image value, or an index with all its images. */
export type Validated = Image | MultiPlatformImage;

/** Undoes the compression of a layer. @throws OciError `LAYER_INVALID`, `UNSUPPORTED` */
export type Unpack = (
  source: AsyncIterable<Uint8Array>,
  compression: Exclude<LayerCompression, 'none'>,
) => AsyncIterable<Uint8Array>;

/** The overloads of {@link validateImage}. */
export interface ValidateImage {
  (image: Validated, options?: ValidateImageOptions): Promise<readonly ImageProblem[]>;
  (blobs: BlobStore, root: Descriptor, options?: ValidateImageOptions): Promise<readonly ImageProblem[]>;
}

/**
 * Checks everything that must hold of an image: digests and sizes, media types, that config and manifest agree on the layers,
 * that the layers' uncompressed digests are the config's diffIDs, that the history explains every layer. Of an index all
 * images are checked, and of artifacts beside them (attestations, signatures) that what they name is there. All problems are
 * collected; an empty list means that the image is sound. In browsers zstd layers cannot be checked, which is a problem, too.
 * @example
 *   for (const { where, message } of await validateImage(image)) console.error(`${where}: ${message}`);
 */
export const validateImage: ValidateImage = validatorWith(unpackAnywhere);

/** {@link validateImage} with another way to undo compression. */
export function validatorWith(unpack: Unpack): ValidateImage {
  return async (
    what: Validated | BlobStore,
    rootOrOptions?: Descriptor | ValidateImageOptions,
    more?: ValidateImageOptions,
  ): Promise<readonly ImageProblem[]> => {
    if ('descriptor' in what) {
      const options = (rootOrOptions as ValidateImageOptions | undefined) ?? {};
      return new Validation(wholeContent(what), unpack, options).run(what.descriptor);
    }
    const content: CheckedContent = {
      ...blobContent(what),
      has: async ({ digest, size }) => {
        const info = await what.has(digest);
        if (info === undefined) throw notFound(digest);
        checkBlob(info, { digest, size });
      },
    };
    return new Validation(content, unpack, more ?? {}).run(rootOrOptions as Descriptor);
  };
}

interface CheckedContent extends ContentSource {
  /** Checks that a blob is there, without reading it. */
  readonly has?: (descriptor: Descriptor) => Promise<void>;
}

class Validation {
  readonly #content: CheckedContent;
  readonly #unpack: Unpack;
  readonly #options: ValidateImageOptions;
  readonly #problems: ImageProblem[] = [];
  readonly #seen = new Set<Digest>();

  constructor(content: CheckedContent, unpack: Unpack, options: ValidateImageOptions) {
    this.#content = content;
    this.#unpack = unpack;
    this.#options = options;
  }

  async run(root: Descriptor): Promise<readonly ImageProblem[]> {
    if (isIndexType(root.mediaType)) await this.#index(root, '', 0);
    else await this.#manifest(root, '');
    return this.#problems;
  }

  #report(where: string, message: string): void {
    this.#problems.push({ where, message });
  }

  async #attempt<T>(where: string, action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof OciError)) throw error;
      this.#report(where, error.message);
      return undefined;
    }
  }

  async #index(descriptor: Descriptor, prefix: string, depth: number): Promise<void> {
    if (this.#seen.has(descriptor.digest)) return;
    this.#seen.add(descriptor.digest);
    if (depth > DEPTH_LIMIT) return this.#report(`${prefix}index`, `it is nested more than ${DEPTH_LIMIT} deep`);
    const index = await this.#attempt(`${prefix}index`, async () =>
      decodeImageIndex(await this.#content.document(descriptor, this.#options.signal), descriptor.mediaType),
    );
    for (const entry of index?.manifests ?? []) {
      const name = entry.platform === undefined ? entry.digest.slice(0, 19) : formatPlatform(entry.platform);
      const inner = `${prefix}${isAttestation(entry) ? `attestation ${entry.digest.slice(0, 19)}` : name}: `;
      if (isIndexType(entry.mediaType)) await this.#index(entry, inner, depth + 1);
      else await this.#manifest(entry, inner);
    }
  }

  async #manifest(descriptor: Descriptor, prefix: string): Promise<void> {
    if (this.#seen.has(descriptor.digest)) return;
    this.#seen.add(descriptor.digest);
    const { signal } = this.#options;
    const type = isManifestType(descriptor.mediaType) ? descriptor.mediaType : undefined;
    if (type === undefined) {
      this.#report(`${prefix}manifest`, `the media type ${descriptor.mediaType} is not the type of a manifest`);
    }
    const manifest = await this.#attempt(`${prefix}manifest`, async () =>
      decodeManifest(await this.#content.document(descriptor, signal), type),
    );
    if (manifest === undefined) return;
    if (prefix !== '' && !isImageManifest(manifest)) return this.#artifact(manifest, prefix);
    await this.#image(manifest, prefix);
  }

  async #image({ config: announced, layers }: Manifest, prefix: string): Promise<void> {
    if (!isConfigType(announced.mediaType)) {
      this.#report(`${prefix}config`, `the media type ${announced.mediaType} is not the type of an image config`);
    }
    const config = await this.#attempt(`${prefix}config`, async () =>
      decodeImageConfig(await readSmall(this.#content.blob(announced, this.#options.signal), announced)),
    );
    if (config !== undefined) {
      checkConfig(config, layers.length, (message) => this.#report(`${prefix}config`, message));
    }
    for (const [i, layer] of layers.entries()) {
      await this.#attempt(`${prefix}layers[${i}]`, () => this.#layer(layer, config?.rootfs.diff_ids[i]));
    }
  }

  /** Of what is no image only the bytes can be checked. */
  async #artifact({ config, layers }: Manifest, prefix: string): Promise<void> {
    await this.#attempt(`${prefix}config`, () => this.#bytes(config));
    for (const [i, layer] of layers.entries()) await this.#attempt(`${prefix}layers[${i}]`, () => this.#bytes(layer));
  }

  async #bytes(descriptor: Descriptor): Promise<void> {
    await this.#content.has?.(descriptor);
    if (this.#options.layers !== false) await drain(this.#content.blob(descriptor, this.#options.signal));
  }

  async #layer(layer: Descriptor, diffId: Digest | undefined): Promise<void> {
    const compression = layerCompression(layer.mediaType);
    if (compression === undefined) {
      throw new OciError('MANIFEST_INVALID', `the media type ${layer.mediaType} is not the type of a layer`);
    }
    await this.#content.has?.(layer);
    if (compression === 'none' && diffId !== undefined && diffId !== layer.digest) {
      throw new OciError('CONFIG_INVALID', `its digest is ${layer.digest}, but the config's diffID is ${diffId}`);
    }
    if (this.#options.layers === false) return;
    const source = this.#content.blob(layer, this.#options.signal);
    if (compression === 'none' || diffId === undefined) return drain(source);
    const hasher = portableHasher(digestAlgorithm(diffId));
    for await (const chunk of this.#unpack(source, compression)) hasher.update(chunk);
    const digest = hasher.digest();
    if (digest !== diffId) {
      throw new OciError(
        'CONFIG_INVALID',
        `its uncompressed digest is ${digest}, but the config's diffID is ${diffId}`,
      );
    }
  }
}

/** An index within an index within … : deeper than this is an attack, not an image. */
const DEPTH_LIMIT = 4;

function checkConfig(config: ImageConfig, layers: number, report: (message: string) => void): void {
  const diffIds = config.rootfs.diff_ids.length;
  if (diffIds !== layers) report(`rootfs.diff_ids lists ${diffIds} layers, the manifest ${layers}`);
  if (config.history !== undefined) {
    const filled = config.history.filter((entry) => entry.empty_layer !== true).length;
    if (filled !== diffIds) {
      report(`the history has ${filled} entries with a layer, but there are ${diffIds} layers`);
    }
  }
  if (config.architecture === '') report('the architecture is missing');
}

/**
 * Decompressed by the platform's own stream, so that this works in browsers too. Each chunk waits until the one before is
 * taken: Node's stream has room for 16384 chunks, so that `pipeThrough` would fill the memory with the layer.
 */
async function* unpackAnywhere(
  source: AsyncIterable<Uint8Array>,
  compression: LayerCompression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'zstd') throw new OciError('UNSUPPORTED', 'zstd layers cannot be checked here');
  const { readable, writable } = new DecompressionStream('gzip');
  const writer = writable.getWriter();
  let broken: unknown;
  const feed = async (): Promise<void> => {
    try {
      for await (const chunk of source) await writer.write(new Uint8Array(chunk));
      await writer.close();
    } catch (error) {
      // Of an error of the stream itself the reader hears, too.
      broken = error;
      await writer.abort(error).catch(() => undefined);
    }
  };
  const fed = feed();
  try {
    for await (const chunk of readable) yield chunk;
    await fed;
  } catch (error) {
    await fed;
    const cause = broken instanceof OciError ? broken : error;
    if (cause instanceof OciError) throw cause;
    throw new OciError(
      'LAYER_INVALID',
      `the gzip stream is damaged (${cause instanceof Error ? cause.message : cause})`,
    );
  }
  if (broken !== undefined) throw broken;
}

async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of source) void chunk;
}
