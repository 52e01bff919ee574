import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Descriptor, type Digest, digestAlgorithm, digestHex, isDigest } from '@tsbuild/oci';
import { sealJson, unsealJson, writeFileAtomic } from '@tsbuild/oci/internal';

/** A base image that a registry named once: enough to use it again without asking. */
export interface RemoteImage {
  /** In full, e.g. `docker.io/library/node:18-alpine`. */
  readonly name: string;
  /** `os/arch[/variant]` that was asked for. */
  readonly platform: string;
  /** What the name stood for: the manifest, or the index that it was chosen from. */
  readonly digest: Digest;
  /** The platform's own manifest and config; their bytes are in the blob store. */
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  /** When the registry said so, milliseconds since 1970. */
  readonly resolved: number;
}

/** Where a layer can be had: as this blob of this repository. */
export interface RemoteLayer {
  readonly registry: string;
  readonly repository: string;
  /** As the registry has it, most often compressed. */
  readonly descriptor: Descriptor;
}

/**
 * What is known of images and layers elsewhere, `remotes/` of the store: small JSON files, written by rename. All of it
 * can be learnt again; a damaged file is as good as none.
 */
export class RemoteRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async image(name: string, platform: string): Promise<RemoteImage | undefined> {
    const record = await this.#read(this.#imagePath(name, platform), isRemoteImage);
    return record?.name === name ? record : undefined;
  }

  async putImage(image: RemoteImage): Promise<void> {
    await writeFileAtomic(this.#imagePath(image.name, image.platform), sealJson(image));
  }

  /** Where the layer with this diffID was last seen. */
  async layer(diffID: Digest): Promise<RemoteLayer | undefined> {
    return this.#read(this.#layerPath(diffID), isRemoteLayer);
  }

  /** @throws OciError `UNSUPPORTED` for a digest of an algorithm that nobody can check (CVE-2024-3727) */
  async putLayer(diffID: Digest, layer: RemoteLayer): Promise<void> {
    digestAlgorithm(layer.descriptor.digest);
    await writeFileAtomic(this.#layerPath(diffID), sealJson(layer));
  }

  /** The compressed form that this layer had when it was pushed: compressing is deterministic, so it still has it. */
  async compressed(diffID: Digest): Promise<Descriptor | undefined> {
    return this.#read(this.#compressedPath(diffID), isDescriptor);
  }

  async putCompressed(diffID: Digest, descriptor: Descriptor): Promise<void> {
    await writeFileAtomic(this.#compressedPath(diffID), sealJson(descriptor));
  }

  /** All known images, with the files that say so. */
  async *images(): AsyncIterable<{ readonly image: RemoteImage; readonly path: string }> {
    const folder = join(this.#directory, 'images');
    for (const file of await readdir(folder).catch(() => [])) {
      const path = join(folder, file);
      const image = await this.#read(path, isRemoteImage);
      if (image !== undefined) yield { image, path };
    }
  }

  async #read<T>(path: string, isValid: (value: unknown) => value is T): Promise<T | undefined> {
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        // Earlier versions wrote no checksum: offline builds need what they learnt, so that each member is looked at.
        const value = unsealJson(await file.readFile('utf8'))?.value;
        return isValid(value) ? value : undefined;
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }

  #imagePath(name: string, platform: string): string {
    const key = createHash('sha256')
      .update(JSON.stringify([name, platform]))
      .digest('hex');
    return join(this.#directory, 'images', `${key}.json`);
  }

  #layerPath(diffID: Digest): string {
    return join(this.#directory, 'layers', `${digestHex(diffID)}.json`);
  }

  #compressedPath(diffID: Digest): string {
    return join(this.#directory, 'compressed', `${digestHex(diffID)}.json`);
  }
}

function isRemoteImage(value: unknown): value is RemoteImage {
  const { name, platform, digest, manifest, config, resolved } = fieldsOf(value);
  const texts = [name, platform].every((text) => typeof text === 'string');
  return texts && isDigest(digest) && isDescriptor(manifest) && isDescriptor(config) && Number.isFinite(resolved);
}

function isRemoteLayer(value: unknown): value is RemoteLayer {
  const { registry, repository, descriptor } = fieldsOf(value);
  return [registry, repository].every((text) => typeof text === 'string') && isDescriptor(descriptor);
}

function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = fieldsOf(value);
  return typeof mediaType === 'string' && isDigest(digest) && Number.isSafeInteger(size) && Number(size) >= 0;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
