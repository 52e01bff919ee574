import type { Statement } from './statement.ts';
import { suggestNear } from './suggest.ts';

/** How often and with what a flag may be given: `bool` with nothing or true/false, `value` once, `list` any number of times. */
export type FlagKind = 'bool' | 'value' | 'list';

/** The flags of one instruction by name, checked against what the instruction knows. */
export interface Flags {
  value(name: string): string | undefined;
  list(name: string): readonly string[];
  /** undefined when the flag was not given. */
  bool(name: string): boolean | undefined;
}

/** Checks a statement's flags against the ones its instruction knows. Throws BuildError for an unknown, doubled or malformed one. */
export function parseFlags(statement: Statement, known: Readonly<Record<string, FlagKind>>): Flags {
  const found = new Map<string, string[]>();
  for (const flag of statement.flags) {
    const equals = flag.indexOf('=');
    const name = flag.slice(2, equals < 0 ? undefined : equals);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) {
      const near = suggestNear(name, Object.keys(known));
      throw statement.fail(`unknown flag: --${name}${near}`, `--${name}`);
    }
    const values = found.get(name) ?? [];
    if (values.length > 0 && kind !== 'list') throw statement.fail(`duplicate flag specified: --${name}`, flag);
    values.push(flagValue(statement, name, kind, equals < 0 ? undefined : flag.slice(equals + 1)));
    found.set(name, values);
  }
  return {
    value: (name) => found.get(name)?.[0],
    list: (name) => found.get(name) ?? [],
    bool: (name) => (found.has(name) ? found.get(name)?.[0] === 'true' : undefined),
  };
}

function flagValue(statement: Statement, name: string, kind: FlagKind, value: string | undefined): string {
  if (kind === 'bool' && value === undefined) return 'true';
  if (value === undefined || (kind === 'bool' && value === '')) {
    throw statement.fail(`missing a value on flag: --${name}`, `--${name}`);
  }
  if (kind !== 'bool') return value;
  const lower = value.toLowerCase();
  if (lower === 'true' || lower === 'false') return lower;
  throw statement.fail(`expecting boolean value for flag --${name}, not: ${value}`, `--${name}`);
}
