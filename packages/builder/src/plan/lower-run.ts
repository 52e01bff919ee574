import type { RunInstruction } from '../dockerfile/instruction.ts';
import { runStep } from '../ops/run.ts';
import { BuildError } from '../errors.ts';
import { notSupported } from './at-range.ts';
import { commandArgv } from './lower-metadata.ts';
import type { StageState } from './stage-state.ts';

/** RUN: a step over the stage's filesystem with the variables as they stand here. */
export function lowerRun(stage: StageState, instruction: RunInstruction): void {
  const { range } = instruction;
  if (instruction.heredocs.length > 0) throw notSupported('RUN with a heredoc', range);
  if (instruction.mounts.length > 0) throw notSupported('RUN --mount', range);
  if (instruction.security !== undefined && instruction.security !== 'sandbox') {
    throw notSupported(`RUN --security=${instruction.security}`, range);
  }
  const { context, variables, config } = stage;
  const argv = commandArgv(config, instruction.command);
  const step = runStep(
    {
      id: stage.nextStepId(),
      range,
      parent: stage.rootfs,
      argv,
      environment: variables.environment(),
      proxies: context.arguments.proxies(),
      workingDirectory: stage.workingDirectory,
      user: config.User ?? '',
      network: networkOf(instruction, context.network),
      platform: context.platform,
      ignoreCache: context.ignoreCache,
    },
    context.dependencies,
  );
  const args = variables.argumentsForHistory();
  const shown = [...(args.length > 0 ? [`|${args.length}`, ...args] : []), ...argv].join(' ');
  stage.recordStep(step, `RUN ${shown} # buildkit`, instruction.text);
}

function networkOf(instruction: RunInstruction, fallback: 'host' | 'none'): 'host' | 'none' {
  switch (instruction.network) {
    case undefined:
    case 'default':
      return fallback;
    case 'host':
    case 'none':
      return instruction.network;
    default:
      throw new BuildError('DOCKERFILE_INVALID', `invalid network mode ${JSON.stringify(instruction.network)}`, {
        range: instruction.range,
        hint: 'RUN --network is one of default, none and host',
      });
  }
}
