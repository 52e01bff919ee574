import { exportTrees, fromStoredImage } from '@tsbuild/oci/node';
import { sinkWriter } from '@tsbuild/oci/internal';
import { checkBytesTarget, writeBytes } from './bytes-target.ts';
import type { BytesTarget, Exporter, ExportResult, ExportWork, ImageToExport, PlatformSplit } from './exporter.ts';
import { platformFiles } from './platform-split.ts';

/** Writes the files of the image as one tar, as buildx and `docker export` do. */
export class TarExporter implements Exporter {
  readonly #target: BytesTarget & PlatformSplit;

  constructor(target: BytesTarget & PlatformSplit) {
    this.#target = target;
  }

  check(): Promise<void> {
    return checkBytesTarget(this.#target);
  }

  async export({ image }: ImageToExport, { store, signal }: ExportWork): Promise<ExportResult> {
    const { blobs, indexes } = store.layout;
    const placed = await platformFiles(image, store, this.#target.platformSplit);
    const images = await Promise.all(
      placed.map(async (of) => ({ image: await fromStoredImage(blobs, of.image), directory: of.directory })),
    );
    await writeBytes(
      this.#target,
      async (sink) => {
        const write = sinkWriter(sink);
        for await (const chunk of exportTrees(images, { blobs, indexes, signal })) await write(chunk);
      },
      signal,
    );
    return { pushed: [] };
  }
}
