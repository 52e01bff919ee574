import { parseReference } from '@tsbuild/oci';
import { imageIdOf, type RegistryOptions } from '@tsbuild/oci/node';
import type { Exporter, ExportResult, ExportWork, ImageToExport, RegistryTarget } from './exporter.ts';
import { pushImage, type PushResult } from '../transfer/push.ts';

/** Pushes the image under each of its names, whatever else bears them in the store by now. */
export class RegistryExporter implements Exporter {
  readonly #target: RegistryTarget;

  constructor(target: RegistryTarget) {
    this.#target = target;
  }

  /** Whether a registry takes the image shows when it gets it. */
  async check(): Promise<void> {}

  async export({ image, names }: ImageToExport, work: ExportWork): Promise<ExportResult> {
    const { byDigest, annotations, sign, onPushed } = this.#target;
    const pushed: PushResult[] = [];
    for (const as of new Set(names)) {
      work.signal.throwIfAborted();
      const result = await pushImage(imageIdOf(image), {
        ...work,
        registry: this.#options(as),
        as,
        ...(byDigest === undefined ? {} : { byDigest }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(sign === undefined ? {} : { sign }),
      });
      pushed.push(result);
      onPushed?.(result);
    }
    return { pushed };
  }

  /** What the configuration says of insecure hosts, and the registry of this name where all are to be trusted. */
  #options(name: string): RegistryOptions {
    const { registry, insecure } = this.#target;
    if (insecure !== true) return registry;
    return { ...registry, insecure: [...(registry.insecure ?? []), parseReference(name).registry] };
  }
}
