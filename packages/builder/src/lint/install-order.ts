import { cleanFilePath } from '../context/clean-path.ts';
import type { CopyInstruction, Instruction, RunInstruction } from '../dockerfile/instruction.ts';
import type { StageDeclaration } from '../plan/stages.ts';
import type { Report } from './finding.ts';
import { type InstallCommand, installCommands } from './install-command.ts';
import { INSTALLED_FILES } from './install-programs.ts';
import type { LintInput } from './lint-input.ts';

/**
 * A copy of the whole context before the dependencies are installed: any change of any file then installs them again.
 * Silent where that costs little: a cache mount keeps what was fetched, the same tool has installed before the copy, or what it
 * installs has come from another stage.
 */
export class InstallOrder {
  readonly #report: Report;
  readonly #isSilent: boolean;
  /** What each stage has installed at its end: a stage may be the base of many. */
  readonly #done = new Map<StageDeclaration, ReadonlySet<string>>();

  constructor(input: LintInput, report: Report) {
    this.#report = report;
    this.#isSilent = hidesSources(input);
  }

  /** Stages in the order of the file. */
  check(stage: StageDeclaration, parent: StageDeclaration | undefined): void {
    if (this.#isSilent) return;
    const done = new Set(parent === undefined ? [] : this.#done.get(parent));
    this.#done.set(stage, done);
    let copy: Instruction | undefined;
    let isTold = false;
    for (const instruction of stage.instructions) {
      if (copiesEverything(instruction)) copy ??= instruction;
      if (instruction.kind === 'copy') for (const tool of broughtBy(instruction)) done.add(tool);
      if (instruction.kind !== 'run') continue;
      const installs = installCommands(runText(instruction) ?? '');
      if (copy !== undefined && !isTold) isTold = this.#tell(copy, instruction, installs, done);
      for (const install of installs) done.add(workOf(install));
    }
  }

  #tell(
    copy: Instruction,
    run: RunInstruction,
    installs: readonly InstallCommand[],
    done: ReadonlySet<string>,
  ): boolean {
    if (run.mounts.some((mount) => /(?:^|,)\s*type=cache(?:,|$)/i.test(mount))) return false;
    const fresh = installs.filter((install) => !done.has(workOf(install)));
    // What needs the project is what the order of lines can mend for good.
    const install = fresh.find(({ readsProject }) => readsProject) ?? fresh[0];
    if (install === undefined) return false;
    const line = run.range.start.line;
    const what = `everything is copied before ${JSON.stringify(install.shown)} (line ${line})`;
    const message = install.readsProject
      ? `${what}: any changed file runs it again. Copy the files that it reads first (such as its lock file), and the rest after it`
      : `${what}, which reads none of it: any changed file runs it again. Move it above the ${copy.keyword.toUpperCase()}`;
    this.#report('CopyBeforeInstall', copy, message, { instructions: [copy, run] });
    return true;
  }
}

/** Installing `curl` by name is no reason to be silent about the project's own list. */
function workOf({ tool, readsProject }: Pick<InstallCommand, 'tool' | 'readsProject'>): string {
  return readsProject ? tool : `${tool} by name`;
}

/** The tools whose work a copy out of another stage or image brings along. */
function broughtBy({ from, sources }: CopyInstruction): readonly string[] {
  if (from === undefined) return [];
  const paths = sources.map((source) => cleanFilePath(source));
  return INSTALLED_FILES.flatMap(([name, tools]) => (paths.some((path) => name.test(path)) ? tools : []));
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
  return instruction.sources.some((source) => /^\.?\/?$/.test(cleanFilePath(source)) && source !== '');
}
