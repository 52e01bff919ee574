import type { BlobWriter } from '../blob/blob-store.ts';
import { DirectoryTree } from './directory-tree.ts';
import type { DirectoryTreeOptions } from './directory-tree.ts';
import { compareTrees, NO_FILES } from '../layer/tree-comparison.ts';
import { layerDifference, writeDifference } from '../layer/write-difference.ts';
import type { WriteDifferenceOptions } from '../layer/write-difference.ts';
import { LayerWriter } from '../layer/write.ts';
import type { WrittenLayer } from '../layer/write.ts';

/** Choices of {@link diffDirectories}. */
export interface DiffDirectoriesOptions extends DirectoryTreeOptions, WriteDifferenceOptions {}

/**
 * Writes the layer that turns one directory into another: applied to a copy of `before`, it makes `after`. Files are
 * compared by content, type, mode, owner, time (whole seconds), attributes and hard links; directories without their time.
 * The bytes depend on the two trees only.
 * @param before undefined for a layer with everything
 * @param sink of `BlobStore.create()`; committed at the end, discarded when anything fails
 * @throws OciError `LAYER_INVALID` for names that begin with `.wh.`, and when a file changes while it is read
 */
export async function diffDirectories(
  before: string | undefined,
  after: string,
  sink: BlobWriter,
  options: DiffDirectoriesOptions = {},
): Promise<WrittenLayer> {
  const writer = new LayerWriter(sink);
  try {
    const tree = new DirectoryTree(after, options);
    const lower = before === undefined ? NO_FILES : new DirectoryTree(before, options);
    const difference = layerDifference(await compareTrees(lower, tree, options));
    await writeDifference(difference, writer, (entry) => tree.open(entry), options);
    return await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}
