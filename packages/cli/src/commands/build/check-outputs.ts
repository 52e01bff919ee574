import { openExporter } from '@tsbuild/builder';
import { UsageError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import type { BuilderFlags, BuildFlags } from './build-options.ts';
import { type BuildOutput, parseBuildOutput } from './build-output.ts';
import { advised, exportTarget } from './export-target.ts';

/**
 * Where the image goes, by --output, --load and --push, checked before anything is built.
 * @throws UsageError
 */
export function buildOutputs(flags: BuildFlags, host: Host): readonly BuildOutput[] {
  const outputs = flags.output.map(parseBuildOutput);
  const has = (kind: BuildOutput['kind']) => outputs.some((output) => output.kind === kind);
  if (flags.load && !has('engine')) outputs.push({ kind: 'engine' });
  if (flags.push && !outputs.some(pushesOwnNames)) outputs.push({ kind: 'registry' });
  const toStdout = outputs.filter(isStdout).length;
  const wrong = (message: string, hint: string) => new UsageError(message, { hint, command: 'build' });
  if (toStdout > 1) throw wrong('--output - was given twice', 'one archive goes to standard output');
  if (toStdout === 1 && flags.quiet) throw wrong('--output - and --quiet both write to standard output', 'use -o FILE');
  if (toStdout === 1 && host.stdout.isTTY === true) {
    throw wrong('refusing to write an archive to a terminal', 'use -o FILE, or pipe it: … -o - . | docker load');
  }
  if (flags.tag.length === 0 && outputs.some(pushesOwnNames)) {
    throw wrong('the image needs a name to be pushed', 'give it one with -t, e.g. -t ghcr.io/me/my-app');
  }
  for (const output of outputs) {
    if (output.kind !== 'registry' || output.byDigest !== true) continue;
    const tagged = (pushesOwnNames(output) ? flags.tag : (output.names ?? [])).find((name) => /:[^/]*$/.test(name));
    if (tagged === undefined) continue;
    throw wrong(`cannot push ${tagged} by digest: it has a tag`, 'name only the repository');
  }
  return outputs;
}

function pushesOwnNames(output: BuildOutput): boolean {
  return output.kind === 'registry' && (output.names ?? []).length === 0;
}

/** The flags with what outputs say of the image itself: `type=image,name=…`, and annotations. */
export function withOutputKeys(flags: BuildFlags, outputs: readonly BuildOutput[]): BuildFlags {
  const names = outputs.flatMap((output) => (output.kind === 'store' ? (output.names ?? []) : []));
  const annotations = outputs.flatMap((output) => output.annotations ?? []);
  return { ...flags, tag: [...flags.tag, ...names], annotation: [...flags.annotation, ...annotations] };
}

/** The image is one, wherever it goes: so is the form of its attestations. */
export function withAttestationForm(flags: BuilderFlags, outputs: readonly BuildOutput[]): BuilderFlags {
  const form = outputs.find(({ attestationForm }) => attestationForm !== undefined)?.attestationForm;
  if (flags.attestations === undefined || form === undefined) return flags;
  return { ...flags, attestations: { ...flags.attestations, form } };
}

/** Whether the image goes nowhere, not even into the store. */
export function staysInCache(outputs: readonly BuildOutput[]): boolean {
  return outputs.length > 0 && outputs.every(({ kind }) => kind === 'cache');
}

function isStdout(output: BuildOutput): boolean {
  return output.kind === 'stdout' || (output.kind === 'tar' && output.path === '-');
}

/** A build of minutes should not end with a directory that is not there, or one that is taken. @throws CommandError, BuildError */
export async function checkPlaces(outputs: readonly BuildOutput[], host: Host): Promise<void> {
  for (const output of outputs) {
    const target = exportTarget(output, host);
    if (target === undefined) continue;
    try {
      await (await openExporter(target)).check();
    } catch (error) {
      throw advised(error, output);
    }
  }
}
