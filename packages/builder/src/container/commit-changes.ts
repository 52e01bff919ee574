import type { ContainerConfig as ImageRunConfig } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { parseTrigger } from '../dockerfile/parser.ts';
import { WorkLimit } from '../dockerfile/work-limit.ts';
import { BuildError } from '../errors.ts';
import type { OpDependencies } from '../ops/dependencies.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import { BuildArguments, GlobalArguments } from '../plan/build-arguments.ts';
import { lowerInstruction } from '../plan/lower.ts';
import { resolveFrom } from '../plan/paths.ts';
import { StageState } from '../plan/stage-state.ts';

/** What `commit --change` takes: instructions that change nothing but the config. */
const KINDS = ['cmd', 'entrypoint', 'env', 'expose', 'healthcheck', 'label', 'stopsignal', 'user', 'volume', 'workdir'];
const ANYWHERE = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

/**
 * Applies instructions of a Dockerfile to a config.
 * @throws BuildError `DOCKERFILE_INVALID` for anything else, naming it
 */
export function changeConfig(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const stage = new StageState(
    {
      label: 'commit',
      platform: hostPlatform(),
      from: { name: 'scratch' },
      base: { architecture: '', os: 'linux', config, rootfs: { type: 'layers', diff_ids: [] } },
      rootfs: { kind: 'constant', value: EMPTY_ROOTFS },
      parent: undefined,
    },
    loweringContext(),
  );
  for (const text of changes) {
    const trigger = /^\s*ONBUILD\s+(.*)$/is.exec(text)?.[1];
    const instruction = parseTrigger(trigger ?? text, ANYWHERE);
    if (trigger !== undefined) {
      stage.tables.addTrigger(trigger);
      continue;
    }
    if (!KINDS.includes(instruction.kind)) {
      throw new BuildError('DOCKERFILE_INVALID', `${instruction.kind} is not a valid change command`, {
        hint: `there are ${KINDS.map((kind) => kind.toUpperCase()).join(', ')} and ONBUILD`,
      });
    }
    if (instruction.kind === 'workdir') {
      const path = resolveFrom(stage.workingDirectory, stage.expand(instruction.path, instruction));
      stage.config = { ...stage.config, WorkingDir: path };
    } else {
      lowerInstruction(stage, instruction, () => {
        throw new TypeError('no change reads from another image');
      });
    }
  }
  return stage.finishedConfig();
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
