import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  isDigest,
  type LayerCompression,
  sha256Digest,
} from '@tsbuild/oci';
import { sealJson, writeFileAtomic } from '@tsbuild/oci/internal';
import { fieldsOf } from '../disk/json-members.ts';
import { type Fault, keptFaults, namesIn, readKept, writeKept } from '../disk/kept-file.ts';

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

/** A manifest or index as a registry has it: with packed layers, where the store's own has plain ones. */
export interface RemoteDocument {
  readonly registry: string;
  readonly repository: string;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly text: string;
}

/** A layer that a shared cache has or knows, and what is to be known of it without its bytes. */
export interface SharedLayer {
  /** The place, as `--cache-from` names it. */
  readonly from: string;
  /** The layer as it is packed there; absent where it lies in the registry of its base image. */
  readonly blob?: Descriptor;
  /** Bytes of the layer, uncompressed, and of all files in it. */
  readonly size: number;
  readonly contentSize: number;
  /** Its index and more, packed. */
  readonly sidecar?: Descriptor;
  /** The digest of its index. */
  readonly index?: Digest;
}

/** How a layer is packed: all that its packed bytes depend on beside its own. */
export interface Packing {
  readonly compression: LayerCompression;
  readonly level: number;
}

/** How earlier versions packed every layer, whose records do not say it. */
const UNNAMED_PACKING: Packing = { compression: 'gzip', level: 5 };

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
    const record = readDocument(this.#imagePath(name, platform), isRemoteImage);
    return record?.name === name ? record : undefined;
  }

  async putImage(image: RemoteImage): Promise<void> {
    await writeFileAtomic(this.#imagePath(image.name, image.platform), sealJson(image));
  }

  /** Where the layer with this diffID was last seen. */
  async layer(diffID: Digest): Promise<RemoteLayer | undefined> {
    return readDocument(this.#layerPath(diffID), isRemoteLayer);
  }

  /** @throws OciError `UNSUPPORTED` for a digest of an algorithm that nobody can check (CVE-2024-3727) */
  async putLayer(diffID: Digest, layer: RemoteLayer): Promise<void> {
    digestAlgorithm(layer.descriptor.digest);
    await writeFileAtomic(this.#layerPath(diffID), sealJson(layer));
  }

  /** What a manifest or index of the store was made of. */
  async document(stored: Digest): Promise<RemoteDocument | undefined> {
    const document = readDocument(this.#documentPath(stored), isRemoteDocument);
    return document !== undefined && sha256Digest(document.text) === document.digest ? document : undefined;
  }

  async putDocument(stored: Digest, document: RemoteDocument): Promise<void> {
    await writeFileAtomic(this.#documentPath(stored), sealJson(document));
  }

  /** What a shared cache says of the layer with this diffID. */
  async sharedLayer(diffID: Digest): Promise<SharedLayer | undefined> {
    return readDocument(this.#sharedPath(diffID), isSharedLayer);
  }

  putSharedLayer(diffID: Digest, layer: SharedLayer): void {
    writeKept(this.#sharedPath(diffID), layer);
  }

  /** The layer cannot be had where it should be: it is not known any more, and for a while nobody is believed who has it. */
  async forgetLayer(diffID: Digest, now: number): Promise<void> {
    await rm(this.#layerPath(diffID), { force: true });
    await rm(this.#sharedPath(diffID), { force: true });
    writeKept(this.#lostPath(diffID), { lost: now });
  }

  /** Whether the layer was lost within the last hour. */
  isLost(diffID: Digest, now: number): boolean {
    const lost = readDocument(this.#lostPath(diffID), isLoss)?.lost;
    return lost !== undefined && now - lost < BELIEVED_LOST;
  }

  /** The form that this layer had when it was last packed so: packing is deterministic, so it still has it. */
  async packed(diffID: Digest, packing: Packing): Promise<Descriptor | undefined> {
    const known = readDocument(this.#packedPath(diffID, packing), isDescriptor);
    if (known !== undefined || nameOf(packing) !== nameOf(UNNAMED_PACKING)) return known;
    return readDocument(this.#packedPath(diffID), isDescriptor);
  }

  async putPacked(diffID: Digest, packing: Packing, descriptor: Descriptor): Promise<void> {
    await writeFileAtomic(this.#packedPath(diffID, packing), sealJson(descriptor));
  }

  /** Whether a blob is this layer as we once packed it, in whatever way. */
  async isPackedHere(diffID: Digest, blob: Digest): Promise<boolean> {
    const names = namesIn(join(this.#directory, 'compressed')).filter((name) => name.startsWith(digestHex(diffID)));
    return names.some((name) => readDocument(join(this.#directory, 'compressed', name), isDescriptor)?.digest === blob);
  }

  /** All known images, with the files that say so. */
  async *images(): AsyncIterable<{ readonly image: RemoteImage; readonly path: string }> {
    const folder = join(this.#directory, 'images');
    for (const file of await readdir(folder).catch(() => [])) {
      const path = join(folder, file);
      const image = readDocument(path, isRemoteImage);
      if (image !== undefined) yield { image, path };
    }
  }

  /** What is damaged; and images whose documents are, as `blobFault` says of a blob. */
  async *verify(blobFault: (blob: Descriptor) => Promise<string | undefined>): AsyncIterable<Fault> {
    const at = (folder: string): string => join(this.#directory, folder);
    yield* keptFaults(at('images'), isRemoteImage);
    yield* keptFaults(at('layers'), isRemoteLayer);
    yield* keptFaults(at('compressed'), isDescriptor);
    yield* keptFaults(at('elsewhere'), isSharedLayer);
    yield* keptFaults(at('documents'), isRemoteDocument);
    for await (const { image, path } of this.images()) {
      for (const what of ['manifest', 'config'] as const) {
        const fault = await blobFault(image[what]);
        if (fault === undefined) continue;
        yield { path, why: `its ${what} ${image[what].digest} is ${fault}` };
        break;
      }
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

  #documentPath(stored: Digest): string {
    return join(this.#directory, 'documents', `${digestHex(stored)}.json`);
  }

  #sharedPath(diffID: Digest): string {
    return join(this.#directory, 'elsewhere', `${digestHex(diffID)}.json`);
  }

  #lostPath(diffID: Digest): string {
    return join(this.#directory, 'lost', `${digestHex(diffID)}.json`);
  }

  #packedPath(diffID: Digest, packing?: Packing): string {
    const way = packing === undefined ? '' : `.${nameOf(packing)}`;
    return join(this.#directory, 'compressed', `${digestHex(diffID)}${way}.json`);
  }
}

/** Milliseconds. After that a repaired registry is asked again. */
const BELIEVED_LOST = 3_600_000;

function nameOf({ compression, level }: Packing): string {
  return `${compression}-${level}`;
}

/** Earlier versions wrote no checksum: offline builds need what they learnt, so that each member is looked at. */
function readDocument<T>(path: string, isValid: (value: unknown) => value is T): T | undefined {
  return readKept<T>(path, isValid, 'allowed');
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

function isRemoteDocument(value: unknown): value is RemoteDocument {
  const { registry, repository, mediaType, digest, text } = fieldsOf(value);
  return [registry, repository, mediaType, text].every((each) => typeof each === 'string') && isDigest(digest);
}

function isLoss(value: unknown): value is { readonly lost: number } {
  return typeof fieldsOf(value)['lost'] === 'number';
}

function isSharedLayer(value: unknown): value is SharedLayer {
  const { from, blob, size, contentSize, sidecar, index } = fieldsOf(value);
  const sizes = [size, contentSize].every((bytes) => Number.isSafeInteger(bytes) && Number(bytes) >= 0);
  return (
    typeof from === 'string' &&
    sizes &&
    (index === undefined || isDigest(index)) &&
    [blob, sidecar].every((part) => part === undefined || isDescriptor(part))
  );
}

function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = fieldsOf(value);
  return typeof mediaType === 'string' && isDigest(digest) && Number.isSafeInteger(size) && Number(size) >= 0;
}
