import { type BuildResult, openExporter, type PushResult, type Store } from '@tsbuild/builder';
import { formatReference, parseReference, type RegistryOptions } from '@tsbuild/oci/node';
import type { Host } from '../../host/host.ts';
import type { OpenProgress } from '../../output/open-progress.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import type { PushSigning } from '../../registry/signature-keys.ts';
import type { BuildOutput } from './build-output.ts';
import { advised, exportTarget } from './export-target.ts';

/** What bringing an image to its outputs needs. */
export interface Delivery {
  readonly store: Store;
  readonly registry: RegistryOptions;
  readonly host: Host;
  /** Opens the output for the progress of pushing. */
  readonly openProgress: () => OpenProgress;
  readonly annotations: ReadonlyMap<string, string>;
  /** Signs what goes to registries. */
  readonly sign?: PushSigning;
  /** Brings the image to one output, and measures that. */
  readonly timed: <T>(output: BuildOutput, task: () => Promise<T>) => Promise<T>;
  /** Shows a warning. */
  readonly notice: (text: string) => void;
}

/** What went to a registry: another manifest than the store's, as layers travel compressed. `size` in bytes. */
export interface PushedImage extends Pick<PushResult, 'digest' | 'size'> {
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
  for (const output of outputs) {
    await way.timed(output, async () => {
      if (output.kind === 'registry') pushed = await push(result, output, way);
      else await bring(result, output, way);
    });
  }
  return pushed;
}

/** To anything but a registry. */
async function bring({ image, names: own }: BuildResult, output: BuildOutput, way: Delivery): Promise<void> {
  const { store, host } = way;
  const target = exportTarget(output, host);
  if (target === undefined) return;
  // As in buildx, --tag comes before the names of an output.
  const names = own.length > 0 ? own : (output.names ?? []);
  const reporter: OpenProgress['reporter'] = {
    report: (event) => {
      if (event.type === 'notice') way.notice(event.message);
    },
  };
  const exporter = await openExporter(target);
  try {
    await exporter.export({ image, names }, { store, reporter, registry: way.registry, signal: host.signal });
  } catch (error) {
    throw advised(error, output);
  }
}

/** Pushes the image, whatever bears its names by now, under the names of the output or all of its own. */
async function push(
  { image, names: own, inlineCache }: BuildResult,
  output: Extract<BuildOutput, { readonly kind: 'registry' }>,
  { store, registry, host, annotations, sign, openProgress }: Delivery,
): Promise<PushedImage | undefined> {
  const given = output.names ?? [];
  const names = given.length === 0 ? own : given.map((name) => formatReference(parseReference(name)));
  const { byDigest = false, insecure = false } = output;
  const progress = openProgress();
  const lines: string[] = [];
  let last: PushResult | undefined;
  const exporter = await openExporter({
    kind: 'registry',
    registry,
    byDigest,
    insecure,
    ...(sign === undefined ? {} : { sign }),
    // An index has its own and those of its manifests in the store.
    ...(image.index === undefined
      ? { annotations: new Map([...annotations, ...(inlineCache === undefined ? [] : [inlineCache])]) }
      : {}),
    onPushed: ({ reference, digest, size }) => progress.json?.pushed({ reference, digest, size }),
  });
  try {
    const work = { store, reporter: progress.reporter, signal: host.signal };
    const { pushed } = await exporter.export({ image, names }, work);
    const targets = [...new Set(names)];
    for (const [at, { digest, size, reference }] of pushed.entries()) {
      lines.push(
        `${sanitizeName(byDigest ? reference : (targets[at] ?? reference))}: digest: ${digest} size: ${size}\n`,
      );
    }
    last = pushed.at(-1);
    progress.close('done');
  } catch (error) {
    progress.close('failed');
    throw error;
  }
  if (progress.mode === 'plain' || progress.mode === 'tty') host.stderr.write(lines.join(''));
  return last === undefined ? undefined : { digest: last.digest, size: last.size, names };
}
