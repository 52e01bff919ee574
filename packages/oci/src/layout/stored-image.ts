import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import type { ImageConfig } from '../spec/image-config.ts';
import type { Reference } from '../spec/reference.ts';

/** What makes an image: the exact bytes of its config, and its layers, which are in the blob store uncompressed. */
export interface ImageContent {
  /** Kept byte for byte: its digest becomes the image ID. */
  readonly config: Uint8Array;
  /** Lowest first, one for each of the config's `diff_ids`. */
  readonly layers: readonly Descriptor[];
  /** Of the manifest (image-spec annotations.md). */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image of a {@link Layout}. */
export interface StoredImage {
  /** The image ID: the digest of the config. */
  readonly id: Digest;
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  /** The config's exact bytes; derive from these or from `config`, never from a re-encoding. */
  readonly rawConfig: Uint8Array;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  /** Empty for a dangling image. */
  readonly names: readonly Reference[];
  /** Sum of the layers' sizes, bytes. */
  readonly size: number;
  /** When the names mean an index: which one. The image is the one that was chosen from it. */
  readonly index?: ChosenFrom;
}

/** The index that an image was chosen from. */
export interface ChosenFrom {
  /** Of the index. */
  readonly descriptor: Descriptor;
  /** The index has no image for the platform of this machine: its first one was taken. */
  readonly isFirst?: true;
}

/** What leads to an image: its manifest, or the index that its names mean. */
export function rootOf({
  manifest,
  index,
}: {
  readonly manifest: Descriptor;
  readonly index?: { readonly descriptor: Descriptor };
}): Descriptor {
  return index?.descriptor ?? manifest;
}

/** What people see as the ID: the digest of the config, or of the index. */
export function imageIdOf({ id, index }: Pick<StoredImage, 'id' | 'index'>): Digest {
  return index?.descriptor.digest ?? id;
}

/** One line of what {@link Layout.remove} did: `Untagged: my-app:latest` or `Deleted: sha256:…`. */
export type RemovedName = { readonly untagged: string } | { readonly deleted: Digest };

/** What a collection deleted. */
export interface Collected {
  readonly deleted: readonly Digest[];
  /** Bytes freed. */
  readonly bytes: number;
  /** Live leases of other builds that kept the collection from deleting anything; 0 when it ran. */
  readonly heldBackBy: number;
}
