import { parseReference } from '@tsbuild/oci';
import { writeArchive } from '@tsbuild/oci/node';
import { checkBytesTarget, writeBytes } from './bytes-target.ts';
import type { BytesTarget, Exporter, ExportResult, ExportWork, ImageToExport } from './exporter.ts';

/** Writes an archive that `docker load`, podman and skopeo take: an OCI layout and a docker-archive in one. */
export class ArchiveExporter implements Exporter {
  readonly #target: BytesTarget;

  constructor(target: BytesTarget) {
    this.#target = target;
  }

  check(): Promise<void> {
    return checkBytesTarget(this.#target);
  }

  async export({ image, names }: ImageToExport, { store, signal }: ExportWork): Promise<ExportResult> {
    const named = { ...image, names: names.map((name) => parseReference(name)) };
    await writeBytes(this.#target, (sink) => writeArchive([named], store.layout.blobs, sink), signal);
    return { pushed: [] };
  }
}
