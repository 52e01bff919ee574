import { exportTree, fromStoredImage } from '@tsbuild/oci/node';
import { sinkWriter } from '@tsbuild/oci/internal';
import { checkBytesTarget, writeBytes } from './bytes-target.ts';
import type { BytesTarget, Exporter, ExportResult, ExportWork, ImageToExport } from './exporter.ts';

/** Writes the files of the image as one tar, as buildx and `docker export` do. */
export class TarExporter implements Exporter {
  readonly #target: BytesTarget;

  constructor(target: BytesTarget) {
    this.#target = target;
  }

  check(): Promise<void> {
    return checkBytesTarget(this.#target);
  }

  async export({ image }: ImageToExport, { store, signal }: ExportWork): Promise<ExportResult> {
    const { blobs, indexes } = store.layout;
    const value = await fromStoredImage(blobs, image);
    await writeBytes(
      this.#target,
      async (sink) => {
        const write = sinkWriter(sink);
        for await (const chunk of exportTree(value, { blobs, indexes, signal })) await write(chunk);
      },
      signal,
    );
    return { pushed: [] };
  }
}
