import { ImageTree } from './image-tree.ts';
import type { ReadLayersOptions } from './image-tree.ts';
import type { Image } from './image-value.ts';
import { Application } from '../disk/apply.ts';
import type { ApplyOptions } from '../disk/apply.ts';
import type { RootfsEntry } from '../layer/rootfs-tree.ts';
import { walkTree } from '../layer/walk-tree.ts';

/** Choices of {@link unpackImage}. */
export interface UnpackImageOptions extends ApplyOptions, ReadLayersOptions {}

/**
 * Writes the files of an image into a directory: what a container of it would start with. The directory should be empty;
 * what is there and in the way is replaced, and it gets mode, owner and time of the image's root directory where a layer tells
 * them. No path leads out of it.
 * @throws OciError `LAYER_INVALID`, `TAR_INVALID`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED` of the layers, before anything is
 * written but for entries below a symlink or file; `STORE_UNWRITABLE`
 * @example
 *   await unpackImage(image, 'rootfs', { onSkip: ({ path, reason }) => console.warn(path, reason) });
 */
export async function unpackImage(image: Image, directory: string, options: UnpackImageOptions = {}): Promise<void> {
  const tree = await ImageTree.open(image, options);
  try {
    const application = new Application<RootfsEntry>(directory, (entry) => tree.open(entry), options);
    try {
      for (const { entry, first } of walkTree(tree.files)) {
        if (first === undefined) await application.add(entry);
        else application.link({ path: entry.path, linkPath: first });
      }
      const isDescribed = tree.layers.some(({ index }) => index.root !== undefined);
      application.finish(isDescribed ? tree.files.lookup('') : undefined);
    } finally {
      application.close();
    }
  } finally {
    tree.close();
  }
}
