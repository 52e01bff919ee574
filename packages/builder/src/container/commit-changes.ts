import type { ContainerConfig as ImageRunConfig } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import type { Instruction } from '../dockerfile/instruction.ts';
import { parseChanges } from '../dockerfile/parser.ts';
import { WorkLimit } from '../dockerfile/work-limit.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { OpDependencies } from '../ops/dependencies.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import { BuildArguments, GlobalArguments } from '../plan/build-arguments.ts';
import { lowerInstruction } from '../plan/lower.ts';
import { resolveFrom } from '../plan/paths.ts';
import { StageState } from '../plan/stage-state.ts';

/** What `commit --change` takes: instructions that change nothing but the config. */
const KINDS = [
  'cmd',
  'entrypoint',
  'env',
  'expose',
  'healthcheck',
  'label',
  'onbuild',
  'stopsignal',
  'user',
  'volume',
  'workdir',
];

/**
 * Applies instructions of a Dockerfile to a container's config, as the engine does: all texts are the lines of one Dockerfile,
 * and what they leave empty (`CMD []`, `ENTRYPOINT []`) is the container's again. Nothing is added to the environment: the
 * PATH that commands find where there is none is no part of the image.
 * @throws BuildError `DOCKERFILE_INVALID` for anything else, naming it
 */
export function changeConfig(given: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  // Triggers are the image's that brought them: they have fired, or will in a build from it.
  const { OnBuild: _fired, ...config } = given;
  if (changes.length === 0) return config;
  const stage = new StageState(
    {
      index: 0,
      label: 'commit',
      platform: hostPlatform(),
      from: { name: 'scratch' },
      base: undefined,
      config,
      rootfs: { kind: 'constant', value: EMPTY_ROOTFS },
      parent: undefined,
    },
    loweringContext(),
  );
  for (const instruction of parseChanges(changes.join('\n'))) apply(instruction, stage);
  return filled(stage.finishedConfig(), config);
}

function apply(instruction: Instruction, stage: StageState): void {
  if (!KINDS.includes(instruction.kind)) {
    throw new BuildError('DOCKERFILE_INVALID', `${instruction.kind} is not a valid change command`, {
      hint: `expected one of ${KINDS.map((kind) => kind.toUpperCase()).join(', ')}`,
    });
  }
  if (instruction.kind === 'workdir') {
    const path = resolveFrom(stage.workingDirectory, stage.expand(instruction.path, instruction));
    stage.config = { ...stage.config, WorkingDir: path };
    return;
  }
  lowerInstruction(stage, instruction, () => {
    throw new TypeError('no change reads from another image');
  });
  // The engine's own parser has no words here, where BuildKit has an empty one.
  if (/^\s*cmd\s*$/i.test(instruction.text))
    stage.config = { ...stage.config, Cmd: (stage.config.Cmd ?? []).slice(0, -1) };
  if (/^\s*entrypoint\s*$/i.test(instruction.text)) stage.config = { ...stage.config, Entrypoint: [] };
}

/** moby, daemon/commit.go, merge: an empty command is the container's, unless there is an entry point. */
function filled(changed: ImageRunConfig, container: ImageRunConfig): ImageRunConfig {
  const { Entrypoint, Cmd, ...rest } = changed;
  if ((Entrypoint ?? []).length > 0) return changed;
  const cmd = (Cmd ?? []).length > 0 ? Cmd : container.Cmd;
  const entrypoint = container.Entrypoint;
  return { ...rest, ...(cmd ? { Cmd: cmd } : {}), ...(entrypoint ? { Entrypoint: entrypoint } : {}) };
}

function loweringContext(): StageState['context'] {
  const args = new BuildArguments(new Map(), {});
  const limit = new WorkLimit();
  return {
    escape: '\\',
    arguments: args,
    limit,
    globals: new GlobalArguments([], args, new Map(), { escape: '\\', limit }),
    platform: hostPlatform(),
    network: 'none',
    limits: { shmSize: undefined, limits: [], hosts: [] },
    allowed: new Set(),
    ignoreCache: false,
    context: none,
    get dependencies(): OpDependencies {
      return none();
    },
  };
}

function none(): never {
  throw new TypeError('a change of the config needs no files');
}
