import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Descriptor, type Digest, digestHex, isDigest } from '@tsbuild/oci';
import { writeFileAtomic } from '@tsbuild/oci/node';

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
    const record = await this.#read<RemoteImage>(this.#imagePath(name, platform));
    const whole = record?.name === name && isDigest(record.manifest?.digest) && isDigest(record.config?.digest);
    return whole ? record : undefined;
  }

  async putImage(image: RemoteImage): Promise<void> {
    await writeFileAtomic(this.#imagePath(image.name, image.platform), JSON.stringify(image));
  }

  /** Where the layer with this diffID was last seen. */
  async layer(diffID: Digest): Promise<RemoteLayer | undefined> {
    const record = await this.#read<RemoteLayer>(this.#layerPath(diffID));
    return record !== undefined && isDigest(record.descriptor?.digest) ? record : undefined;
  }

  async putLayer(diffID: Digest, layer: RemoteLayer): Promise<void> {
    await writeFileAtomic(this.#layerPath(diffID), JSON.stringify(layer));
  }

  /** The compressed form that this layer had when it was pushed: compressing is deterministic, so it still has it. */
  async compressed(diffID: Digest): Promise<Descriptor | undefined> {
    const record = await this.#read<Descriptor>(this.#compressedPath(diffID));
    return record !== undefined && isDigest(record.digest) ? record : undefined;
  }

  async putCompressed(diffID: Digest, descriptor: Descriptor): Promise<void> {
    await writeFileAtomic(this.#compressedPath(diffID), JSON.stringify(descriptor));
  }

  /** All known images, with the files that say so. */
  async *images(): AsyncIterable<{ readonly image: RemoteImage; readonly path: string }> {
    const folder = join(this.#directory, 'images');
    for (const file of await readdir(folder).catch(() => [])) {
      const path = join(folder, file);
      const image = await this.#read<RemoteImage>(path);
      if (isDigest(image?.manifest?.digest) && isDigest(image.config?.digest)) yield { image, path };
    }
  }

  /** The documents of all known images: what a collection must keep. */
  async *documents(): AsyncIterable<Digest> {
    for await (const { image } of this.images()) yield* [image.manifest.digest, image.config.digest];
  }

  async #read<T>(path: string): Promise<T | undefined> {
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        return JSON.parse(await file.readFile('utf8')) as T;
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
