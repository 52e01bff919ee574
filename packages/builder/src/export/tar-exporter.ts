import { encodeTarHeader, utf8ToByteString } from '@tsbuild/oci';
import { exportTrees, fromStoredImage } from '@tsbuild/oci/node';
import { sinkWriter } from '@tsbuild/oci/internal';
import { attestationFiles, type StatementFile } from './attestation-files.ts';
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
    const { platformSplit, attestationPrefix } = this.#target;
    const placed = await platformFiles(image, store, platformSplit);
    const attestations = await attestationFiles(image, placed, store, attestationPrefix);
    const images = await Promise.all(
      placed.map(async (of) => ({ image: await fromStoredImage(blobs, of.image), directory: of.directory })),
    );
    await writeBytes(
      this.#target,
      async (sink) => {
        const write = sinkWriter(sink);
        for (const file of attestations) for (const chunk of memberOf(file)) await write(chunk);
        for await (const chunk of exportTrees(images, { blobs, indexes, signal })) await write(chunk);
      },
      signal,
    );
    return { pushed: [] };
  }
}

/** Readable by all and at no time: it depends on nothing but its content. */
function* memberOf({ path, content }: StatementFile): Generator<Uint8Array, void, undefined> {
  const none = { linkPath: '', devMajor: 0, devMinor: 0, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } };
  yield encodeTarHeader({ ...none, path: utf8ToByteString(path), type: 'file', mode: 0o644, size: content.length });
  yield content;
  yield new Uint8Array((512 - (content.length % 512)) % 512);
}
