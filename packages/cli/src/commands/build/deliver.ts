import { resolve } from 'node:path';
import { type BuildResult, type Store, pushImage } from '@tsbuild/builder';
import {
  type ArchiveSink,
  type Digest,
  exportTree,
  formatReference,
  fromStoredImage,
  parseReference,
  type RegistryOptions,
  writeArchive,
} from '@tsbuild/oci/node';
import { writeFilesDirectory } from '../../export/files-directory.ts';
import type { Host } from '../../host/host.ts';
import { writeLayoutDirectory } from '../../export/layout-directory.ts';
import { loadIntoEngine } from '../../export/load-into-engine.ts';
import type { OpenProgress } from '../../output/open-progress.ts';
import { type Sink, writeOutputFile } from '../../output/output-file.ts';
import { streamSink } from '../../output/output-stream.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import type { BuildOutput } from './build-output.ts';

/** What bringing an image to its outputs needs. */
export interface Delivery {
  readonly store: Store;
  readonly registry: RegistryOptions;
  readonly host: Host;
  /** Opens the output for the progress of pushing. */
  readonly openProgress: () => OpenProgress;
  readonly annotations: ReadonlyMap<string, string>;
  /** Shows a warning. */
  readonly notice: (text: string) => void;
}

/** What went to a registry: another manifest than the store's, as layers travel compressed. `size` in bytes. */
export interface PushedImage {
  readonly digest: Digest;
  readonly size: number;
  readonly names: readonly string[];
}

/**
 * Brings what was built to files, streams, the engine and registries, in the order of the command line.
 * @returns what the last registry got
 */
export async function deliver(
  result: BuildResult,
  outputs: readonly BuildOutput[],
  way: Delivery,
): Promise<PushedImage | undefined> {
  let pushed: PushedImage | undefined;
  const { store, host } = way;
  for (const output of outputs) {
    // As in buildx, --tag comes before the names of an output.
    const named = result.names.length > 0 ? result.names : (output.names ?? []);
    const names = named.map((name) => parseReference(name));
    const archive = (sink: ArchiveSink) => writeArchive([{ ...result.image, names }], store.layout.blobs, sink);
    switch (output.kind) {
      case 'file':
        await writeOutputFile(resolve(host.cwd, output.path), (sink) => archive({ borrow: sink }), host.signal);
        break;
      case 'stdout':
        await archive(streamSink(host.stdout, host.signal));
        break;
      case 'engine':
        await loadIntoEngine({ ...result.image, names }, store.layout.blobs, host);
        break;
      case 'files': {
        const path = resolve(host.cwd, output.path);
        const { blobs, indexes } = store.layout;
        await writeFilesDirectory(result.image, {
          path,
          shownPath: output.path,
          blobs,
          indexes,
          signal: host.signal,
          notice: way.notice,
        });
        break;
      }
      case 'tar':
        await writeTar(result, output.path, way);
        break;
      case 'directory': {
        const target = { path: resolve(host.cwd, output.path), shownPath: output.path, names };
        await writeLayoutDirectory(result.image, target, { blobs: store.layout.blobs, signal: host.signal });
        break;
      }
      case 'registry':
        pushed = await push(result, output, way);
        break;
    }
  }
  return pushed;
}

/** The files of the image as one tar, as buildx and `docker export` write it. */
async function writeTar({ image }: BuildResult, path: string, { store, host }: Delivery): Promise<void> {
  const { blobs, indexes } = store.layout;
  const value = await fromStoredImage(blobs, image);
  const write = async (sink: Sink): Promise<void> => {
    for await (const chunk of exportTree(value, { blobs, indexes, signal: host.signal })) await sink(chunk);
  };
  if (path === '-') await write(streamSink(host.stdout, host.signal));
  else await writeOutputFile(resolve(host.cwd, path), write, host.signal);
}

/** Pushes the image, whatever bears its names by now, under the name or all of its own. */
async function push(
  result: BuildResult,
  output: Extract<BuildOutput, { readonly kind: 'registry' }>,
  way: Delivery,
): Promise<PushedImage | undefined> {
  const { store, host } = way;
  const { signal } = host;
  const given = output.names ?? [];
  const targets = given.length === 0 ? result.names : given.map((name) => formatReference(parseReference(name)));
  const byDigest = output.byDigest === true;
  const progress = way.openProgress();
  const lines: string[] = [];
  let pushed: PushedImage | undefined;
  try {
    for (const as of new Set(targets)) {
      const { digest, size, reference } = await pushImage(result.image.id, {
        store,
        registry: output.insecure === true ? trusting(way.registry, as) : way.registry,
        as,
        byDigest,
        annotations: way.annotations,
        reporter: progress.reporter,
        signal,
      });
      pushed = { digest, size, names: targets };
      progress.json?.pushed({ reference, digest, size });
      lines.push(`${sanitizeName(byDigest ? reference : as)}: digest: ${digest} size: ${size}\n`);
    }
    progress.close('done');
  } catch (error) {
    progress.close('failed');
    throw error;
  }
  if (progress.mode === 'plain' || progress.mode === 'tty') host.stderr.write(lines.join(''));
  return pushed;
}

/** `registry.insecure=true`: what the configuration says of insecure hosts, for the registry of this name. */
function trusting(options: RegistryOptions, name: string): RegistryOptions {
  return { ...options, insecure: [...(options.insecure ?? []), parseReference(name).registry] };
}
