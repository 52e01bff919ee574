import { parseDuration } from '../dockerfile/duration.ts';
import type { CommandForm, HealthcheckInstruction, Instruction } from '../dockerfile/instruction.ts';
import { parsePorts } from '../dockerfile/ports.ts';
import { expandWords } from '../dockerfile/words.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { atRange } from './at-range.ts';
import { goDuration, goQuoteList } from './go-format.ts';
import type { RunConfig } from './run-config.ts';
import type { StageState } from './stage-state.ts';

type Of<K extends Instruction['kind']> = Extract<Instruction, { kind: K }>;

/** ENV: every pair of one instruction is expanded with the values from before it. */
export function lowerEnv(stage: StageState, instruction: Of<'env'>): void {
  const pairs = expandPairs(stage, instruction);
  for (const { key, value } of pairs) {
    stage.variables.set(key, value);
    stage.tables.setVariable(key, value);
  }
  stage.recordMetadata(`ENV ${pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`);
}

export function lowerLabel(stage: StageState, instruction: Of<'label'>): void {
  const pairs = expandPairs(stage, instruction);
  for (const { key, value } of pairs) stage.tables.setLabel(key, value);
  stage.recordMetadata(`LABEL ${pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`);
}

/**
 * ARG: a value given to the build, else the default, else a global ARG of the same name, else declared but unset. The
 * history shows the default alone, as BuildKit's does: what was given to the build shows before each RUN.
 */
export function lowerArg(stage: StageState, instruction: Of<'arg'>): void {
  const shown = instruction.args.map(({ name, value }) => {
    const given = stage.context.arguments.get(name);
    const initial = value === undefined ? undefined : stage.expand(value, instruction);
    stage.variables.declareArgument(name, given ?? initial ?? stage.context.globals.get(name));
    return initial === undefined ? name : `${name}=${initial}`;
  });
  stage.recordMetadata(`ARG ${shown.join(' ')}`);
}

export function lowerUser(stage: StageState, instruction: Of<'user'>): void {
  const user = stage.expand(instruction.user, instruction);
  stage.config = { ...stage.config, User: user };
  stage.recordMetadata(`USER ${user}`);
}

export function lowerExpose(stage: StageState, instruction: Of<'expose'>): void {
  const words = atRange(instruction.range, () =>
    instruction.ports.flatMap((word) => expandWords(word, stage.variables.lookup, stage.context)),
  );
  const ports = atRange(instruction.range, () => parsePorts(words));
  // Two words may be 65,535 ports.
  atRange(instruction.range, () => stage.context.limit.entries(ports.length));
  for (const port of ports) stage.tables.addPort(port);
  stage.recordMetadata(`EXPOSE [${ports.join(' ')}]`);
}

export function lowerVolume(stage: StageState, instruction: Of<'volume'>): void {
  const paths = instruction.paths.map((path) => stage.expand(path, instruction));
  if (paths.some((path) => path === '')) {
    throw new BuildError('DOCKERFILE_INVALID', 'VOLUME specified can not be an empty string', {
      range: instruction.range,
    });
  }
  for (const path of paths) stage.tables.addVolume(path);
  stage.recordMetadata(`VOLUME [${paths.join(' ')}]`);
}

export function lowerStopsignal(stage: StageState, instruction: Of<'stopsignal'>): void {
  const signal = stage.expand(instruction.signal, instruction);
  if (!isSignal(signal)) {
    throw new BuildError('DOCKERFILE_INVALID', `invalid signal: ${signal}`, {
      range: instruction.range,
      hint: 'use a name such as SIGTERM, or a number',
    });
  }
  stage.config = { ...stage.config, StopSignal: signal };
  stage.recordMetadata(`STOPSIGNAL ${signal}`);
}

export function lowerShell(stage: StageState, instruction: Of<'shell'>): void {
  stage.config = { ...stage.config, Shell: [...instruction.argv] };
  stage.recordMetadata(`SHELL [${instruction.argv.join(' ')}]`);
}

export function lowerMaintainer(stage: StageState, instruction: Of<'maintainer'>): void {
  stage.author = instruction.name;
  stage.recordMetadata(`MAINTAINER ${instruction.name}`);
}

export function lowerCmd(stage: StageState, instruction: Of<'cmd'>): void {
  const argv = commandArgv(stage.config, instruction.command);
  stage.config = { ...stage.config, Cmd: argv, ArgsEscaped: true };
  stage.commandIsOwn = true;
  stage.recordMetadata(`CMD ${goQuoteList(argv)}`);
}

/** ENTRYPOINT: an inherited CMD was meant for another program, so it goes; one of this stage stays. */
export function lowerEntrypoint(stage: StageState, instruction: Of<'entrypoint'>): void {
  const argv = commandArgv(stage.config, instruction.command);
  const { Cmd, Entrypoint: _replaced, ...rest } = stage.config;
  stage.config = {
    ...rest,
    ...(argv.length === 0 ? {} : { Entrypoint: argv }),
    ...(stage.commandIsOwn && Cmd !== undefined ? { Cmd } : {}),
  };
  stage.recordMetadata(`ENTRYPOINT ${goQuoteList(argv)}`);
}

/** ONBUILD stores its trigger and leaves no row in the history. */
export function lowerOnbuild(stage: StageState, instruction: Of<'onbuild'>): void {
  stage.tables.addTrigger(instruction.trigger);
}

export function lowerHealthcheck(stage: StageState, instruction: Of<'healthcheck'>): void {
  const healthcheck = healthcheckOf(instruction);
  stage.config = { ...stage.config, Healthcheck: healthcheck };
  const duration = (value: number | undefined): string => goDuration(value ?? 0);
  stage.recordMetadata(
    `HEALTHCHECK {Test:[${(healthcheck.Test ?? []).join(' ')}] Interval:${duration(healthcheck.Interval)} ` +
      `Timeout:${duration(healthcheck.Timeout)} StartPeriod:${duration(healthcheck.StartPeriod)} ` +
      `StartInterval:${duration(healthcheck.StartInterval)} Retries:${healthcheck.Retries ?? 0}}`,
  );
}

/** The argument vector of RUN, CMD and ENTRYPOINT: the shell form goes through SHELL. */
export function commandArgv(config: RunConfig, command: CommandForm): string[] {
  if (command.form === 'exec') return [...command.argv];
  return [...(config.Shell ?? ['/bin/sh', '-c']), command.text];
}

type Healthcheck = NonNullable<RunConfig['Healthcheck']>;

function healthcheckOf(instruction: HealthcheckInstruction): Healthcheck {
  const { check } = instruction;
  if (check.type === 'none') return { Test: ['NONE'] };
  const { command } = check;
  const test = command.form === 'exec' ? ['CMD', ...command.argv] : ['CMD-SHELL', command.text];
  const nanoseconds = (flag: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const value = atRange(instruction.range, () => parseDuration(text));
    if (value !== 0 && value < 1e6) {
      throw new BuildError('DOCKERFILE_INVALID', `Interval ${flag} cannot be less than 1ms`, {
        range: instruction.range,
      });
    }
    return value === 0 ? undefined : value;
  };
  const fields = {
    Interval: nanoseconds('interval', check.interval),
    Timeout: nanoseconds('timeout', check.timeout),
    StartPeriod: nanoseconds('start-period', check.startPeriod),
    StartInterval: nanoseconds('start-interval', check.startInterval),
    Retries: retriesOf(check.retries, instruction),
  };
  return { Test: test, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) };
}

function retriesOf(text: string | undefined, instruction: HealthcheckInstruction): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) {
    throw new BuildError(
      'DOCKERFILE_INVALID',
      `--retries must be a whole number, 0 or more, not ${JSON.stringify(text)}`,
      {
        range: instruction.range,
      },
    );
  }
  return Number(text) === 0 ? undefined : Number(text);
}

function expandPairs(stage: StageState, instruction: Of<'env'> | Of<'label'>): { key: string; value: string }[] {
  return instruction.pairs.map(({ key, value }) => {
    const name = stage.expand(key, instruction);
    if (name === '') {
      throw new BuildError('DOCKERFILE_INVALID', `${instruction.kind.toUpperCase()} names can not be blank`, {
        range: instruction.range,
      });
    }
    return { key: name, value: stage.expand(value, instruction) };
  });
}

const SIGNALS =
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'.split(
    ' ',
  );

function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) > 0 && Number(text) <= 64;
  const name = text.toUpperCase().replace(/^SIG/, '');
  return SIGNALS.includes(name) || /^RTM(?:IN(?:\+(?:[1-9]|1[0-5]))?|AX(?:-(?:[1-9]|1[0-4]))?)$/.test(name);
}
