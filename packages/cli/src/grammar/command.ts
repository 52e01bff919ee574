import { parseArguments, type ParsedArguments } from './argv.ts';
import { UsageError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';
import { globalOptions, type OptionSpec, type OptionTable, type OptionValues } from './options.ts';

/** What is shared by all commands: where the store is, and how errors are shown. */
export interface GlobalSettings {
  /** Absolute path of the image store. */
  readonly root: string;
  readonly debug: boolean;
}

/** How many operands a command takes. */
interface OperandCount {
  readonly min: number;
  readonly max: number;
  /** What they are, for the error, e.g. `PATH, or - for standard input`. */
  readonly what: string;
}

/** A command as written in its file. */
export interface CommandDefinition<Table extends OptionTable> {
  readonly name: string;
  /** The operands as the help shows them, e.g. `PATH | -`. */
  readonly synopsis: string;
  readonly summary: string;
  readonly options: Table;
  readonly operands: OperandCount;
  /** Command lines and what they do. */
  readonly examples: readonly (readonly [string, string])[];
  /** Words behind the first operand are not ours: `run IMAGE COMMAND -x`. */
  readonly stopAtOperand?: true;
  /** The exit code when tsbuild itself fails, where others could be the code of what it runs. */
  readonly ownFailure?: number;
  /** Returns the exit code. */
  run(request: CommandRequest<Table>, host: Host): Promise<number>;
}

/** One invocation of a command. */
interface CommandRequest<Table extends OptionTable> {
  readonly options: OptionValues<Table>;
  readonly operands: readonly string[];
  readonly settings: GlobalSettings;
}

/** A command that the dispatcher can run without knowing its options. */
export interface Command extends Omit<CommandDefinition<OptionTable>, 'run'> {
  run(parsed: ParsedArguments, settings: GlobalSettings, host: Host): Promise<number>;
}

/** Turns a definition into a command: checks the number of operands and hands the options over typed. */
export function defineCommand<const Table extends OptionTable>(definition: CommandDefinition<Table>): Command {
  return {
    ...definition,
    run(parsed, settings, host) {
      checkOperands(definition.name, parsed.operands, definition.operands);
      const options = optionValues(definition.options, parsed);
      return definition.run({ options, operands: parsed.operands, settings }, host);
    },
  };
}

/** Reads the words behind a command's name: its own options and the global ones. */
export function parseCommandLine(command: Command, argv: readonly string[]): ParsedArguments {
  // `history -H` and `run -h` stay with the command; the global ones only fill what is free.
  const taken = new Set(Object.values(command.options).map(({ short }) => short));
  const globals = Object.fromEntries(
    Object.entries<OptionSpec>(globalOptions).map(([name, { short, ...spec }]) => [
      name,
      short === undefined || taken.has(short) ? spec : { ...spec, short },
    ]),
  );
  const settings = { command: command.name, stopAtOperand: command.stopAtOperand ?? false };
  return parseArguments(argv, { ...globals, ...command.options }, settings);
}

function optionValues<Table extends OptionTable>(table: Table, parsed: ParsedArguments): OptionValues<Table> {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    values[name] = parsed.options.get(name) ?? absent(spec);
  }
  return values as OptionValues<Table>;
}

/** A table's values where nothing is given: what a command that has some of its options fills up with. */
export function absentValues<Table extends OptionTable>(table: Table): OptionValues<Table> {
  return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, absent(spec)])) as OptionValues<Table>;
}

function absent(spec: OptionSpec): boolean | readonly string[] | undefined {
  if (spec.kind === 'flag') return spec.on === true;
  return spec.kind === 'list' ? [] : undefined;
}

function checkOperands(name: string, operands: readonly string[], count: OperandCount): void {
  if (operands.length < count.min) {
    throw new UsageError(`tsbuild ${name} needs ${count.what}`, { command: name });
  }
  if (operands.length > count.max) {
    const extra = operands.slice(count.max).map((word) => JSON.stringify(word));
    throw new UsageError(
      `tsbuild ${name} takes ${count.max === 0 ? 'no argument' : count.what}: too many with ${extra.join(' ')}`,
      {
        command: name,
      },
    );
  }
}
