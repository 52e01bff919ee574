import { resolve } from 'node:path';
import { type BuildResult, type Store, pushImage } from '@tsbuild/builder';
import { type RegistryOptions, formatReference, parseReference, writeArchive } from '@tsbuild/oci/node';
import type { Host } from '../host.ts';
import { writeLayoutDirectory } from '../layout-directory.ts';
import { loadIntoEngine } from '../load-into-engine.ts';
import type { OpenProgress } from '../open-progress.ts';
import { type Sink, writeOutputFile } from '../output-file.ts';
import { streamSink } from '../output-stream.ts';
import { sanitizeName } from '../output/sanitize.ts';
import type { BuildOutput } from './build-output.ts';

/** What bringing an image to its outputs needs. */
export interface Delivery {
  readonly store: Store;
  readonly registry: RegistryOptions;
  readonly host: Host;
  /** Opens the output for the progress of pushing. */
  readonly openProgress: () => OpenProgress;
}

/** Brings what was built to files, streams, the engine and registries, in the order of the command line. */
export async function deliver(result: BuildResult, outputs: readonly BuildOutput[], way: Delivery): Promise<void> {
  const { store, host } = way;
  const names = result.names.map((name) => parseReference(name));
  const archive = (sink: Sink) => writeArchive([{ ...result.image, names }], store.layout.blobs, sink);
  for (const output of outputs) {
    switch (output.kind) {
      case 'file':
        await writeOutputFile(resolve(host.cwd, output.path), archive, host.signal);
        break;
      case 'stdout':
        await archive(streamSink(host.stdout, host.signal));
        break;
      case 'engine':
        await loadIntoEngine({ ...result.image, names }, store.layout.blobs, host);
        break;
      case 'directory': {
        const target = { path: resolve(host.cwd, output.path), shownPath: output.path, names };
        await writeLayoutDirectory(result.image, target, { blobs: store.layout.blobs, signal: host.signal });
        break;
      }
      case 'registry':
        await push(result, output.name, way);
        break;
    }
  }
}

/** Pushes the image, whatever bears its names by now, under the name or all of its own. */
async function push(result: BuildResult, name: string | undefined, way: Delivery): Promise<void> {
  const { store, registry, host } = way;
  const { signal } = host;
  const targets = name === undefined ? result.names : [formatReference(parseReference(name))];
  const progress = way.openProgress();
  const lines: string[] = [];
  try {
    for (const as of new Set(targets)) {
      const { digest, size } = await pushImage(result.image.id, {
        store,
        registry,
        as,
        reporter: progress.reporter,
        signal,
      });
      progress.json?.pushed({ reference: as, digest, size });
      lines.push(`${sanitizeName(as)}: digest: ${digest} size: ${size}\n`);
    }
    progress.close('done');
  } catch (error) {
    progress.close('failed');
    throw error;
  }
  if (progress.mode === 'plain' || progress.mode === 'tty') host.stderr.write(lines.join(''));
}
