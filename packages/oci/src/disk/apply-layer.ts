import { applyIndexedLayer } from './apply.ts';
import type { ApplyOptions } from './apply.ts';
import { decompress } from '../compression/compression.ts';
import type { DecompressOptions } from '../compression/compression.ts';
import { rangeReader } from '../layer/file-reader.ts';
import { LayerSpool } from '../layer/layer-spool.ts';
import { indexLayer } from '../layer/read-layer.ts';
import type { IndexLayerOptions } from '../layer/read-layer.ts';

/** Choices of {@link applyLayer}, with bounds on what anyone may have made. */
export interface ApplyLayerOptions extends ApplyOptions, DecompressOptions, IndexLayerOptions {
  /** Where the layer is kept unpacked meanwhile; the system's folder for temporary files unless told. */
  readonly temporaryDirectory?: string;
}

/**
 * Puts one layer (a tar, plain or compressed) onto a directory that holds what the layers below made: removed paths go,
 * others are added or replaced. The whole layer is read and checked before anything is written; no path leads out of the
 * directory, and an entry below a symlink or file is refused.
 * @throws OciError `LAYER_INVALID`, `TAR_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`, `STORE_UNWRITABLE`
 */
export async function applyLayer(
  source: AsyncIterable<Uint8Array>,
  directory: string,
  options: ApplyLayerOptions = {},
): Promise<void> {
  const spool = new LayerSpool(options.temporaryDirectory);
  try {
    const { index, diffID } = await indexLayer(spool.keeping(decompress(source, options)), options);
    const layer = spool.reader(diffID);
    await applyIndexedLayer(directory, index, (entry) => rangeReader(layer, entry), options);
  } finally {
    spool.close();
  }
}
