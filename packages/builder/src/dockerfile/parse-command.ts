import { checkInterval } from './duration.ts';
import { parseFlags } from './flags.ts';
import type {
  CmdInstruction,
  CommandForm,
  EntrypointInstruction,
  HealthcheckInstruction,
  RunInstruction,
  ShellInstruction,
} from './instruction.ts';
import { parseJsonForm } from './json-form.ts';
import { splitFirst } from './raw-words.ts';
import { baseOf, type Statement } from './statement.ts';

/** `RUN [flags] command`, in shell form, exec form or with heredocs. */
export function parseRun(statement: Statement): RunInstruction {
  const flags = parseFlags(statement, { mount: 'list', network: 'value', security: 'value' });
  const network = flags.value('network');
  const security = flags.value('security');
  return {
    ...baseOf(statement),
    kind: 'run',
    command: parseCommand(statement.rest, statement),
    heredocs: statement.heredocs.map((body) => body.heredoc),
    ...(statement.heredocs.some(({ heredoc, raw }) => heredoc.content !== raw) && {
      rawHeredocs: statement.heredocs.map(({ raw }) => raw),
    }),
    mounts: flags.list('mount'),
    ...(network !== undefined && { network }),
    ...(security !== undefined && { security }),
  };
}

/** `CMD command`. */
export function parseCmd(statement: Statement): CmdInstruction {
  parseFlags(statement, {});
  return { ...baseOf(statement), kind: 'cmd', command: parseCommand(statement.rest, statement) };
}

/** `ENTRYPOINT command`. */
export function parseEntrypoint(statement: Statement): EntrypointInstruction {
  parseFlags(statement, {});
  return { ...baseOf(statement), kind: 'entrypoint', command: parseCommand(statement.rest, statement) };
}

/** `SHELL ["executable", "parameter"]`, JSON only. */
export function parseShell(statement: Statement): ShellInstruction {
  parseFlags(statement, {});
  const argv = parseJsonForm(statement.rest, statement.range);
  if (statement.rest === '' || argv?.length === 0) throw statement.fail('SHELL requires at least one argument');
  if (argv === undefined) {
    const hint = 'Write SHELL ["/bin/sh", "-c"], every argument in double quotes.';
    throw statement.fail('SHELL requires the arguments to be in JSON form', statement.rest, hint);
  }
  return { ...baseOf(statement), kind: 'shell', argv };
}

/** `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD command`. */
export function parseHealthcheck(statement: Statement): HealthcheckInstruction {
  const flags = parseFlags(statement, {
    interval: 'value',
    timeout: 'value',
    'start-period': 'value',
    'start-interval': 'value',
    retries: 'value',
  });
  const { first: type, rest } = splitFirst(statement.rest);
  const base = baseOf(statement);
  if (type === '') throw statement.fail('HEALTHCHECK requires at least one argument');
  if (type.toUpperCase() === 'NONE') {
    if (rest !== undefined) throw statement.fail('HEALTHCHECK NONE takes no arguments', rest);
    return { ...base, kind: 'healthcheck', check: { type: 'none' } };
  }
  if (type.toUpperCase() !== 'CMD') {
    throw statement.fail(`Unknown type ${JSON.stringify(type.toUpperCase())} in HEALTHCHECK (try CMD)`, type);
  }
  const command = parseCommand(rest ?? '', statement);
  if (rest === undefined || (command.form === 'exec' && command.argv.length === 0)) {
    throw statement.fail('Missing command after HEALTHCHECK CMD');
  }
  const interval = intervalFlag(statement, 'interval', flags.value('interval'));
  const timeout = intervalFlag(statement, 'timeout', flags.value('timeout'));
  const startPeriod = intervalFlag(statement, 'start-period', flags.value('start-period'));
  const startInterval = intervalFlag(statement, 'start-interval', flags.value('start-interval'));
  const retries = retriesFlag(statement, flags.value('retries'));
  return {
    ...base,
    kind: 'healthcheck',
    check: {
      type: 'cmd',
      command,
      ...(interval !== undefined && { interval }),
      ...(timeout !== undefined && { timeout }),
      ...(startPeriod !== undefined && { startPeriod }),
      ...(startInterval !== undefined && { startInterval }),
      ...(retries !== undefined && { retries }),
    },
  };
}

function parseCommand(text: string, statement: Statement): CommandForm {
  const argv = parseJsonForm(text, statement.range);
  return argv === undefined ? { form: 'shell', text } : { form: 'exec', argv };
}

/** A flag given as an empty text counts as not given, as in Docker. */
function intervalFlag(statement: Statement, name: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const problem = checkInterval(name, value);
  if (problem !== undefined)
    throw statement.fail(problem, `--${name}`, 'Write a duration such as 30s, 1m30s or 500ms.');
  return value;
}

function retriesFlag(statement: Statement, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const count = /^[-+]?[0-9]+$/.test(value) ? Number(value) : Number.NaN;
  if (!(Math.abs(count) <= 0x7fff_ffff)) throw statement.fail(`--retries is not a number: ${value}`, '--retries');
  if (count < 0) throw statement.fail(`--retries cannot be negative (${value})`, '--retries');
  return value;
}
