import { cleanPath } from '../context/clean-path.ts';
import type { Instruction, RunInstruction } from '../dockerfile/instruction.ts';
import type { StageDeclaration } from '../plan/stages.ts';
import type { Report } from './finding.ts';
import { installCommands } from './install-command.ts';
import type { LintInput } from './lint-input.ts';

/**
 * A copy of the whole context before the dependencies are installed: any change of any file then installs them again.
 * Silent where that costs little: a cache mount keeps what was fetched, or the same tool has installed before the copy.
 */
export class InstallOrder {
  readonly #report: Report;
  readonly #isSilent: boolean;
  /** The tools that each stage installs with: a stage may be the base of many. */
  readonly #tools = new Map<StageDeclaration, ReadonlySet<string>>();

  constructor(input: LintInput, report: Report) {
    this.#report = report;
    this.#isSilent = hidesSources(input);
  }

  check(stage: StageDeclaration, parent: StageDeclaration | undefined): void {
    if (this.#isSilent) return;
    const done = new Set(parent === undefined ? [] : this.#toolsOf(parent));
    let copy: Instruction | undefined;
    for (const instruction of stage.instructions) {
      if (copiesEverything(instruction)) copy ??= instruction;
      if (instruction.kind !== 'run') continue;
      const install = copy === undefined ? undefined : freshInstall(instruction, done);
      if (copy !== undefined && install !== undefined) {
        const line = instruction.range.start.line;
        const message = `everything is copied before ${JSON.stringify(install)} (line ${line}): each change of any file runs it again. Copy what it reads first (such as its lock file), and the rest after it`;
        this.#report('CopyBeforeInstall', copy, message, { instructions: [copy, instruction] });
        return;
      }
      for (const tool of toolsOf(instruction)) done.add(tool);
    }
  }

  #toolsOf(stage: StageDeclaration): ReadonlySet<string> {
    const known = this.#tools.get(stage) ?? new Set(stage.instructions.flatMap(toolsOf));
    this.#tools.set(stage, known);
    return known;
  }
}

/** What the shell of a RUN gets; undefined for the exec form. */
export function runText({ command, heredocs }: RunInstruction): string | undefined {
  if (command.form === 'exec') return undefined;
  const [first] = heredocs;
  return first !== undefined && heredocs.length === 1 ? first.content : command.text;
}

/** An ignore file that leaves out whatever it does not name leaves little that could change. */
function hidesSources({ ignore }: LintInput): boolean {
  return ignore?.matches('a-file-that-nobody-names') === true;
}

function copiesEverything(instruction: Instruction): boolean {
  if (instruction.kind !== 'copy' && instruction.kind !== 'add') return false;
  if (instruction.kind === 'copy' && instruction.from !== undefined) return false;
  if (instruction.excludes.length > 0) return false;
  return instruction.sources.some((source) => /^\.?\/?$/.test(cleanPath(source)) && source !== '');
}

function toolsOf(instruction: Instruction): readonly string[] {
  if (instruction.kind !== 'run') return [];
  return installCommands(runText(instruction) ?? '').map(({ tool }) => tool);
}

function freshInstall(instruction: RunInstruction, done: ReadonlySet<string>): string | undefined {
  if (instruction.mounts.some((mount) => /(?:^|,)\s*type=cache(?:,|$)/i.test(mount))) return undefined;
  return installCommands(runText(instruction) ?? '').find(({ tool }) => !done.has(tool))?.shown;
}
