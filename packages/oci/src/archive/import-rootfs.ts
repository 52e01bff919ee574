import type { BlobInfo } from '../blob/blob-store.ts';
import { hostPlatform } from '../processes/host-platform.ts';
import { layoutPaths } from '../processes/layout-names.ts';
import { encodeImageConfig } from '../spec/image-config.ts';
import type { ContainerConfig, ImageConfig } from '../spec/image-config.ts';
import { MediaType } from '../spec/media-type.ts';
import type { Platform } from '../spec/platform.ts';
import type { Reference } from '../spec/reference.ts';
import { rfc3339 } from '../spec/rfc3339.ts';
import { storeLayer } from '../layer/store-layer.ts';
import { archiveInvalid, withinEntry } from './archive-error.ts';
import { openArchive } from './archive-file.ts';
import type { ArchiveFile } from './archive-file.ts';
import type { Layout } from '../layout/layout.ts';
import type { StoredImage } from '../layout/stored-image.ts';

/** Choices of {@link importRootfs}. */
export interface ImportRootfsOptions {
  /** How containers of the image start. */
  readonly config?: ContainerConfig;
  /** The comment in the history; `Imported from <source>` unless told. */
  readonly message?: string;
  readonly reference?: Reference;
  /** Now unless told. */
  readonly created?: Date;
  /** What the files run on; this machine's platform unless told. */
  readonly platform?: Platform;
}

/**
 * Makes an image with one layer out of a root filesystem tar, plain or gzip, as `docker import` does. The layer's bytes are
 * the archive's.
 * @param source a path, or the archive's bytes as they come
 * @throws OciError `ARCHIVE_INVALID`, `UNSUPPORTED`, `STORE_UNWRITABLE`, `LOCK_TIMEOUT`
 */
export async function importRootfs(
  source: string | AsyncIterable<Uint8Array>,
  layout: Layout,
  options: ImportRootfsOptions = {},
): Promise<StoredImage> {
  const from = typeof source === 'string' ? source : '-';
  const file = await openArchive(source, layoutPaths(layout.root).temporary);
  try {
    const lease = await layout.lease();
    try {
      const layer = await withinEntry(from, () => bringLayer(file, layout));
      const config = encodeImageConfig(configOf(layer, options.message ?? `Imported from ${from}`, options));
      const names = options.reference === undefined ? [] : [options.reference];
      return await layout.add({ config, layers: [{ mediaType: MediaType.ociLayer, ...layer }] }, names);
    } finally {
      await lease[Symbol.asyncDispose]();
    }
  } finally {
    await file.close();
  }
}

function bringLayer(file: ArchiveFile, layout: Layout): Promise<BlobInfo> {
  if (file.size === 0) throw archiveInvalid(file.name, 'it is empty');
  return storeLayer(file.read(0, file.size), layout.blobs, layout.indexes, { lowest: true });
}

function configOf(layer: BlobInfo, comment: string, options: ImportRootfsOptions): ImageConfig {
  const { os, architecture, variant } = options.platform ?? hostPlatform();
  const created = rfc3339((options.created ?? new Date()).getTime());
  return {
    architecture,
    os,
    ...(variant !== undefined && { variant }),
    created,
    config: options.config ?? {},
    history: [{ created, comment }],
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  };
}
