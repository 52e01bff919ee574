import { byteStringToUtf8 } from '@tsbuild/oci';
import type { Instruction } from '../../dockerfile/instruction.ts';
import type { Finding } from '../finding.ts';
import { runText } from '../install-order.ts';
import type { LayerFinding } from './layer-finding.ts';
import { cacheRemedy } from './package-caches.ts';

/**
 * Findings in layers as findings in the Dockerfile: `instructions` are those that made the own layers, in order. A RUN that
 * stores files again by other means than a change of owner or mode has its reasons, so it is left alone.
 */
export function describeLayerFindings(
  found: readonly LayerFinding[],
  instructions: readonly Instruction[],
): readonly Finding[] {
  return found.flatMap((finding) => {
    const instruction = instructions[finding.layer];
    const message = instruction === undefined ? undefined : messageOf(finding, instruction, instructions);
    if (instruction === undefined || message === undefined) return [];
    const { rule } = finding;
    // Of the others it is but an example, which may be another one next time.
    const about = rule === 'SecretInLayer' ? { path: pathOf(finding) } : {};
    return [{ rule, message, range: instruction.range, ...about, instructions: [instruction] }];
  });
}

function messageOf(
  finding: LayerFinding,
  instruction: Instruction,
  instructions: readonly Instruction[],
): string | undefined {
  const path = pathOf(finding);
  const amount = `${sizeText(finding.bytes)} in ${finding.files === 1 ? 'one file' : `${finding.files} files`}`;
  switch (finding.rule) {
    case 'FilesStoredTwice': {
      const command = changeCommand(instruction);
      if (command === undefined) return undefined;
      return `${command} stores ${amount} again, such as ${path}: set the ${command === 'chown' ? 'owner with COPY --chown' : 'mode with COPY --chmod'} or in the RUN that creates the files`;
    }
    case 'DeletedInLaterLayer': {
      const origin = instructions[finding.from ?? -1];
      const where = origin === undefined ? 'an earlier layer' : `line ${origin.range.start.line}`;
      return `deletes ${amount} stored by ${where}, such as ${path}: they stay in the image. Delete them in the instruction that creates them, or create them in an earlier stage`;
    }
    case 'PackageCacheInLayer':
      return `leaves ${amount} of the cache of ${finding.what ?? 'a package manager'} in the image, such as ${path}: ${cacheRemedy(finding.what ?? '')}`;
    case 'SecretInLayer':
      return `${path} in this layer contains ${finding.what ?? 'a secret'}: add it to .dockerignore, and pass it to RUN with --mount=type=secret`;
  }
}

function pathOf({ path }: LayerFinding): string {
  return `/${byteStringToUtf8(path)}`;
}

function changeCommand(instruction: Instruction): 'chown' | 'chmod' | undefined {
  if (instruction.kind !== 'run') return undefined;
  const { command } = instruction;
  const text = command.form === 'exec' ? command.argv.join(' ') : (runText(instruction) ?? '');
  if (/(?:^|[\s;&|("'/])chown\s/.test(text)) return 'chown';
  return /(?:^|[\s;&|("'/])chmod\s/.test(text) ? 'chmod' : undefined;
}

/** Bytes in units of 1000, as Docker shows sizes. */
function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}
