import type { CopyInstruction, WorkdirInstruction } from '../dockerfile/instruction.ts';
import { BuildError } from '../errors.ts';
import { copyStep } from '../ops/copy.ts';
import { workdirStep } from '../ops/workdir.ts';
import { notSupported } from './at-range.ts';
import { resolveFrom } from './paths.ts';
import type { BuildVertex } from './plan.ts';
import type { StageState } from './stage-state.ts';

/** WORKDIR: always a row with a layer, even an empty one, except for `/`, which always exists. */
export function lowerWorkdir(stage: StageState, instruction: WorkdirInstruction): void {
  const written = stage.expand(instruction.path, instruction);
  const path = resolveFrom(stage.workingDirectory, written);
  // Engines keep an absolute path in the config as it was written, even `/tmp/` or `/a/../b`.
  const shown = written.startsWith('/') ? written : path;
  stage.config = { ...stage.config, WorkingDir: shown };
  if (path === '/') {
    stage.recordMetadata(`WORKDIR ${shown}`);
    return;
  }
  const { context } = stage;
  const step = workdirStep(
    {
      id: stage.nextStepId(),
      range: instruction.range,
      parent: stage.rootfs,
      path,
      user: stage.config.User ?? '',
      ignoreCache: context.ignoreCache,
    },
    context.dependencies,
  );
  stage.recordStep(step, `WORKDIR ${shown}`, `WORKDIR ${path}`);
}

/** COPY: `from` is the filesystem that `--from` names, undefined for the build context. */
export function lowerCopy(stage: StageState, instruction: CopyInstruction, from: BuildVertex | undefined): void {
  const { range } = instruction;
  if (instruction.heredocs.length > 0) throw notSupported('COPY with a heredoc', range);
  if (instruction.link) throw notSupported('COPY --link', range);
  if (instruction.parents) throw notSupported('COPY --parents', range);
  if (instruction.excludes.length > 0) throw notSupported('COPY --exclude', range);
  const { context } = stage;
  const sources = instruction.sources.map((source) => refuseRemote(stage.expand(source, instruction), instruction));
  const destination = stage.expand(instruction.destination, instruction);
  const chown = optional(instruction.chown, (text) => stage.expand(text, instruction));
  const chmod = optional(instruction.chmod, (text) => stage.expand(text, instruction));
  const step = copyStep(
    {
      id: stage.nextStepId(),
      range,
      parent: stage.rootfs,
      from: from === undefined ? { kind: 'context', tree: context.context } : { kind: 'stage', rootfs: from },
      sources,
      destination,
      workingDirectory: stage.workingDirectory,
      chown,
      chmod,
      ignoreCache: context.ignoreCache,
    },
    context.dependencies,
  );
  const flags = [
    ...(chown === undefined ? [] : [`--chown=${chown}`]),
    ...(chmod === undefined ? [] : [`--chmod=${chmod}`]),
  ];
  const shown = ['COPY', ...flags, ...sources, destination].join(' ');
  const fromFlag = instruction.from === undefined ? [] : [`--from=${instruction.from}`];
  stage.recordStep(step, `${shown} # buildkit`, ['COPY', ...fromFlag, ...flags, ...sources, destination].join(' '));
}

function optional<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}

function refuseRemote(source: string, instruction: CopyInstruction): string {
  if (/^https?:\/\//i.test(source)) {
    throw new BuildError('DOCKERFILE_INVALID', "source can't be a URL for COPY", {
      range: instruction.range,
      hint: 'ADD downloads files',
    });
  }
  return source;
}
