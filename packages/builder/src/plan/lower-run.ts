import type { RunInstruction } from '../dockerfile/instruction.ts';
import { runStep } from '../ops/run.ts';
import { BuildError } from '../errors.ts';
import { notSupported } from './at-range.ts';
import type { FromResolver } from './from-resolver.ts';
import { runCommand } from './run-command.ts';
import { lowerRunMounts } from './run-mounts.ts';
import type { LoweringContext, StageState } from './stage-state.ts';

/** RUN: a step over the stage's filesystem with the variables as they stand here. */
export function lowerRun(stage: StageState, instruction: RunInstruction, resolve: FromResolver): void {
  const { range } = instruction;
  checkSecurity(instruction, stage.context.allowed);
  const { context, variables, config } = stage;
  const { argv, script, summary } = runCommand(instruction, config);
  const mounts = lowerRunMounts(stage, instruction, (from) => resolve(from, instruction));
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
      network: networkOf(instruction, context),
      hostname: context.arguments.hostname(),
      mounts:
        script === undefined ? mounts : [{ kind: 'script', target: script.path, content: script.content }, ...mounts],
      limits: context.limits,
      platform: stage.platform,
      ignoreCache: context.ignoreCache,
    },
    context.dependencies,
  );
  const args = variables.argumentsForHistory();
  const shown = [...(args.length > 0 ? [`|${args.length}`, ...args] : []), ...argv].join(' ');
  stage.recordStep(step, instruction, { createdBy: `RUN ${shown} # buildkit`, name: instruction.text + summary });
}

function checkSecurity({ security, range }: RunInstruction, allowed: LoweringContext['allowed']): void {
  if (security === undefined || security === 'sandbox') return;
  if (security !== 'insecure') {
    throw new BuildError('DOCKERFILE_INVALID', `invalid security mode ${JSON.stringify(security)}`, {
      range,
      hint: 'RUN --security is sandbox or insecure',
    });
  }
  // As in BuildKit, rights are asked for when something is built; a check passes.
  if (allowed === 'all') return;
  if (allowed.has('security.insecure')) throw notSupported('RUN --security=insecure', range);
  throw new BuildError('DOCKERFILE_INVALID', 'security.insecure is not allowed', {
    range,
    hint: 'a command outside the sandbox must be allowed with --allow security.insecure',
  });
}

/** A build without network gives none to commands that ask for it, unless that is allowed. */
function networkOf(
  { network, range }: RunInstruction,
  { network: fallback, allowed }: LoweringContext,
): 'host' | 'none' {
  switch (network) {
    case undefined:
    case 'default':
      return fallback;
    case 'host':
      if (fallback === 'host' || allowed === 'all' || allowed.has('network.host')) return 'host';
      throw new BuildError('DOCKERFILE_INVALID', 'network.host is not allowed', {
        range,
        hint: 'this build has no network; a command that needs one must be allowed with --allow network.host',
      });
    case 'none':
      return 'none';
    default:
      throw new BuildError('DOCKERFILE_INVALID', `invalid network mode ${JSON.stringify(network)}`, {
        range,
        hint: 'RUN --network is one of default, none and host',
      });
  }
}
