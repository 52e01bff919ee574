import type { RunInstruction } from '../dockerfile/instruction.ts';
import type { WorkLimit } from '../dockerfile/work-limit.ts';
import { type RunRequest, runStep } from '../ops/run/run.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { atRange, notSupported } from './at-range.ts';
import type { FromResolver } from './from-resolver.ts';
import { commandOfRun } from './run-command.ts';
import { lowerRunMounts } from './run-mounts.ts';
import type { LoweringContext, NewStep, StageState } from './stage-state.ts';

/** RUN: a step over the stage's filesystem with the variables as they stand here. */
export function lowerRun(stage: StageState, instruction: RunInstruction, resolve: FromResolver): void {
  const { range } = instruction;
  checkSecurity(instruction, stage.context.allowed);
  refuseForeign(stage, instruction);
  const { context, variables, config } = stage;
  const { argv, script, summary } = commandOfRun(instruction, config);
  const environment = variables.environment();
  const args = variables.argumentsForHistory();
  atRange(range, () => chargeFor([...environment, ...args], context.limit));
  const mounts = lowerRunMounts(stage, instruction, (from) => resolve(from, instruction));
  const request: Omit<RunRequest, 'id'> = {
    range,
    parent: stage.rootfs,
    argv,
    environment,
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
  };
  const step: NewStep = { request, make: (id) => runStep({ ...request, id }, context.dependencies) };
  const shown = [...(args.length > 0 ? [`|${args.length}`, ...args] : []), ...argv].join(' ');
  stage.recordStep(step, instruction, { createdBy: `RUN ${shown} # buildkit`, name: instruction.text + summary });
}

/** Each command is handed all variables: its key and its row in the history hold them. */
function chargeFor(variables: readonly string[], limit: WorkLimit): void {
  limit.entries(variables.length);
  limit.characters(variables.reduce((sum, { length }) => sum + length, 0));
}

function checkSecurity({ security, range }: RunInstruction, allowed: LoweringContext['allowed']): void {
  if (security === undefined || security === 'sandbox') return;
  if (security !== 'insecure') {
    throw new BuildError('DOCKERFILE_INVALID', `invalid security mode ${JSON.stringify(security)}`, {
      range,
      hint: 'expected sandbox or insecure',
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

/** Files of an image for another system can be copied; its programs are nothing that this kernel runs. */
function refuseForeign({ platform, context }: StageState, { range }: RunInstruction): void {
  if (platform.os === context.platform.os) return;
  throw new BuildError(
    'NOT_SUPPORTED',
    `RUN in a stage for ${platform.os}: only commands for ${context.platform.os} can run`,
    {
      range,
      hint: 'a stage for another system can only provide files for COPY --from',
    },
  );
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
        hint: 'this build has no network; allow it for this command with --allow network.host',
      });
    case 'none':
      return 'none';
    default:
      throw new BuildError('DOCKERFILE_INVALID', `invalid network mode ${JSON.stringify(network)}`, {
        range,
        hint: 'expected default, none or host',
      });
  }
}
