import type { Descriptor } from '../spec/descriptor.ts';
import type { ImageIndex } from '../spec/image-index.ts';
import type { Platform } from '../spec/platform.ts';
import type { ImageContent, StoredImage } from './stored-image.ts';

/** What one entry of a new index leads to. */
export interface IndexMember {
  /** An image that is stored with the index, or a manifest that is in the layout: an image's, or an artifact's. */
  readonly manifest: ImageContent | Descriptor;
  /** What the image runs on; what its config says unless told. An artifact's entry has the platform that is told, or none. */
  readonly platform?: Platform;
  /** Of the entry (the level `manifest-descriptor`). */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What makes an index. */
export interface IndexContent {
  /** In the order of the entries: images first, as engines prefer the first of equals. */
  readonly members: readonly IndexMember[];
  /** Of the index itself. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of the entry that leads to the index in the layout (the level `index-descriptor`). */
  readonly descriptorAnnotations?: Readonly<Record<string, string>>;
  /** Made by others: two images may be for one platform, and manifests need not be there. */
  readonly isForeign?: boolean;
}

/** An index of a {@link Layout}. */
export interface StoredIndex {
  readonly descriptor: Descriptor;
  readonly index: ImageIndex;
  /** The index's exact bytes. */
  readonly rawIndex: Uint8Array;
  /** The images that are in the layout, in the order of the entries; without names, as these are the index's. */
  readonly images: readonly IndexedImage[];
  /** Empty for a dangling index. */
  readonly names: StoredImage['names'];
}

/** An image of a {@link StoredIndex}. */
export interface IndexedImage extends StoredImage {
  /** As the index says, else as the config says. */
  readonly platform: Platform;
}
