import {
  type BlobStore,
  decodeImageConfig,
  decodeManifest,
  formatPlatform,
  formatReference,
  type Image,
  OciError,
  parseReference,
  type Platform,
  type Reference,
  readBlob,
} from '@tsbuild/oci';
import { fromRegistry, type RegistryReader } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { RemoteImage, RemoteRecords } from './remote-records.ts';
import type { ResolvedImage, Source } from './source.ts';

/** What {@link RegistrySource} works with. */
export interface RegistrySourceOptions {
  /** Made when a registry must be asked. */
  readonly client: () => RegistryReader;
  readonly blobs: BlobStore;
  readonly remotes: RemoteRecords;
  /** Ask although the answer is known (`--pull`). */
  readonly refresh: boolean;
  readonly signal: AbortSignal;
}

/**
 * Base images of registries. Manifest and config are fetched and kept, so that the next build needs no network; where the
 * layers lie is remembered, and their bytes are fetched when something needs them.
 */
export class RegistrySource implements Source {
  readonly #options: RegistrySourceOptions;

  constructor(options: RegistrySourceOptions) {
    this.#options = options;
  }

  async resolve(name: string, platform: Platform): Promise<ResolvedImage | undefined> {
    const reference = parseReference(name);
    const known = this.#options.refresh ? undefined : await this.#known(reference, platform);
    return known ?? this.#ask(reference, platform);
  }

  async #known(reference: Reference, platform: Platform): Promise<ResolvedImage | undefined> {
    const { blobs, remotes } = this.#options;
    const name = formatReference(reference);
    const record = await remotes.image(name, formatPlatform(platform));
    if (record === undefined) return undefined;
    try {
      const rawManifest = await readBlob(blobs, record.manifest);
      const config = decodeImageConfig(await readBlob(blobs, record.config));
      decodeManifest(rawManifest, record.manifest.mediaType);
      return { name, digest: record.digest, config, layers: config.rootfs.diff_ids.map((digest) => ({ digest })) };
    } catch {
      // The documents are gone or damaged: ask again.
      return undefined;
    }
  }

  async #ask(reference: Reference, platform: Platform): Promise<ResolvedImage | undefined> {
    const { client, signal } = this.#options;
    let image: Image;
    try {
      image = await fromRegistry(client(), reference, { platform, signal });
    } catch (error) {
      if (error instanceof OciError && error.code === 'REGISTRY_NOT_FOUND') return undefined;
      throw error;
    }
    checkPlatform(reference, image, platform);
    await this.#keep(reference, platform, image);
    const { config } = image;
    return {
      name: formatReference(reference),
      digest: reference.digest ?? image.descriptor.digest,
      config,
      layers: config.rootfs.diff_ids.map((digest) => ({ digest })),
    };
  }

  async #keep(reference: Reference, platform: Platform, image: Image): Promise<void> {
    const { blobs, remotes } = this.#options;
    const { registry, repository } = reference;
    await blobs.put(image.rawManifest, image.descriptor);
    await blobs.put(image.rawConfig, image.manifest.config);
    for (const { diffID, descriptor } of image.layers) {
      await remotes.putLayer(diffID, { registry, repository, descriptor });
    }
    const record: RemoteImage = {
      name: formatReference(reference),
      platform: formatPlatform(platform),
      digest: reference.digest ?? image.descriptor.digest,
      manifest: image.descriptor,
      config: image.manifest.config,
      resolved: Date.now(),
    };
    await remotes.putImage(record);
  }
}

/** An image for one platform has no index to choose from: it says in its config what it is for. */
function checkPlatform(reference: Reference, image: Image, platform: Platform): void {
  const { os, architecture } = image.config;
  if (os === platform.os && (architecture === '' || architecture === platform.architecture)) return;
  throw new BuildError(
    'BASE_NOT_FOUND',
    `${formatReference(reference)} is an image for ${os}/${architecture}, not for ${formatPlatform(platform)}`,
  );
}
