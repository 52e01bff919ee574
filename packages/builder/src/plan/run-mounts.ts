import type { RunInstruction } from '../dockerfile/instruction.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { MountRequest } from '../ops/run/run-mount.ts';
import { atRange } from './at-range.ts';
import { cleanAbsolute, resolveFrom } from './paths.ts';
import type { FilesFrom } from './from-resolver.ts';
import { contextStep } from './lower-named.ts';
import type { BuildVertex } from './plan.ts';
import { parseRunMount, type RunMountFlag } from './run-mount-flag.ts';
import type { StageState } from './stage-state.ts';

/** Finds the files that `from=NAME` means. */
type Resolver = (from: string) => FilesFrom;

/** The mounts of a RUN in order, variables expanded. */
export function lowerRunMounts(stage: StageState, instruction: RunInstruction, resolve: Resolver): MountRequest[] {
  let agents = 0;
  return atRange(instruction.range, () =>
    instruction.mounts.map((text) => {
      const flag = parseRunMount(text, (word) => stage.expand(word, instruction));
      switch (flag.type) {
        case 'bind':
          return bindMount(stage, flag, resolve);
        case 'cache':
          return cacheMount(stage, flag, instruction, resolve);
        case 'tmpfs':
          return { kind: 'tmpfs', target: targetOf(stage, flag), size: flag.size };
        case 'secret':
          return secretMount(stage, flag);
        case 'ssh':
          return sshMount(stage, flag, agents++);
      }
    }),
  );
}

function bindMount(stage: StageState, flag: RunMountFlag, resolve: Resolver): MountRequest {
  const files: FilesFrom = flag.from === '' ? { kind: 'context', tree: stage.context.context } : resolve(flag.from);
  const from = files.kind === 'context' ? files : ({ kind: 'rootfs', rootfs: files.rootfs } as const);
  return { kind: 'bind', target: targetOf(stage, flag), from, source: flag.source, readOnly: flag.readOnly };
}

function cacheMount(stage: StageState, flag: RunMountFlag, { range }: RunInstruction, resolve: Resolver): MountRequest {
  const { source, sharing, readOnly, mode, uid, gid } = flag;
  const files = flag.from === '' ? undefined : resolve(flag.from);
  const rootfs = files?.kind === 'context' ? filesOf(stage, flag.from, files, range) : files?.rootfs;
  const from = rootfs === undefined ? undefined : ({ kind: 'rootfs', rootfs } as const);
  const target = targetOf(stage, flag);
  return {
    kind: 'cache',
    target,
    namespace: stage.context.arguments.get('BUILDKIT_CACHE_MOUNT_NS') ?? '',
    // As in BuildKit the name is the target as it is written: `target=cache` is one cache wherever WORKDIR is.
    id: flag.id === '' ? cleanAsWritten(flag.target) : flag.id,
    sharing,
    readOnly,
    from,
    source,
    mode,
    uid,
    gid,
  };
}

/** What a cache begins with is copied from a filesystem: a named context becomes one by a step of its own. */
function filesOf(
  stage: StageState,
  name: string,
  files: Extract<FilesFrom, { readonly kind: 'context' }>,
  range: SourceRange,
): BuildVertex {
  const step = stage.makeStep(contextStep(files, range, stage.context));
  const text = `files of ${name}`;
  stage.steps.push({ id: step.id, name: text, source: text, operation: 'copy', range });
  return step;
}

function secretMount(stage: StageState, flag: RunMountFlag): MountRequest {
  const { env, required, uid = 0, gid = 0 } = flag;
  const id = flag.source || flag.id || baseName(flag.target);
  const written = flag.target === '' && env === undefined ? `/run/secrets/${baseName(id)}` : flag.target;
  const target = written === '' ? undefined : checked(resolveFrom(stage.workingDirectory, written));
  return { kind: 'secret', id, target, env, required, mode: flag.mode ?? 0o400, uid, gid };
}

function sshMount(stage: StageState, flag: RunMountFlag, index: number): MountRequest {
  const { required, uid = 0, gid = 0 } = flag;
  const written = flag.target === '' ? `/run/buildkit/ssh_agent.${index}` : flag.target;
  const target = checked(resolveFrom(stage.workingDirectory, written));
  return {
    kind: 'ssh',
    id: flag.id === '' ? 'default' : flag.id,
    target,
    required,
    mode: flag.mode ?? 0o600,
    uid,
    gid,
  };
}

/** Without `target` it is the working directory: nothing, taken from there. */
function targetOf(stage: StageState, { target }: RunMountFlag): string {
  return checked(resolveFrom(stage.workingDirectory, target));
}

function checked(target: string): string {
  if (target !== '/') return target;
  throw new BuildError('DOCKERFILE_INVALID', 'invalid mount target "/"', {
    hint: 'Mount on a directory below /, as in target=/src.',
  });
}

/** Go's path.Clean, for a path that may be relative. */
function cleanAsWritten(path: string): string {
  if (path.startsWith('/')) return cleanAbsolute(path);
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..' && names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names.join('/') || '.';
}

function baseName(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? '';
}
