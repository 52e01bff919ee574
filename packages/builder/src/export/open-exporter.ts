import { bringLayers } from '../shared-cache/layers-at-hand.ts';
import type { Exporter, ExportResult, ExportTarget, ExportWork, ImageToExport } from './exporter.ts';

/**
 * The exporter for a place. Each kind is loaded when it is asked for: few programs need more than one.
 * @example
 *   const exporter = await openExporter({ kind: 'files', directory: '/srv/app' });
 *   await exporter.check();
 *   const result = await build(options, store, reporter, signal);
 *   await exporter.export(result, { store, reporter, signal });
 */
export async function openExporter(target: ExportTarget): Promise<Exporter> {
  const exporter = await exporterFor(target);
  // A registry may take layers from where they lie; everybody else needs their bytes.
  return target.kind === 'registry' ? exporter : new WithLayers(exporter);
}

class WithLayers implements Exporter {
  readonly #exporter: Exporter;

  constructor(exporter: Exporter) {
    this.#exporter = exporter;
  }

  check(): Promise<void> {
    return this.#exporter.check();
  }

  async export(image: ImageToExport, work: ExportWork): Promise<ExportResult> {
    const { store, reporter, signal, registry = {} } = work;
    const members = await store.layout.members(image.image);
    const layers = members.flatMap((member) => member.layers);
    await bringLayers(layers, store, { registry: async () => registry, reporter, signal });
    return this.#exporter.export(image, work);
  }
}

async function exporterFor(target: ExportTarget): Promise<Exporter> {
  switch (target.kind) {
    case 'archive':
      return new (await import('./archive-exporter.ts')).ArchiveExporter(target);
    case 'tar':
      return new (await import('./tar-exporter.ts')).TarExporter(target);
    case 'files':
      return new (await import('./files-exporter.ts')).FilesExporter(target);
    case 'layout':
      return new (await import('./layout-exporter.ts')).LayoutExporter(target);
    case 'registry':
      return new (await import('./registry-exporter.ts')).RegistryExporter(target);
    case 'engine':
      return new (await import('./engine/engine-exporter.ts')).EngineExporter(target);
  }
}
