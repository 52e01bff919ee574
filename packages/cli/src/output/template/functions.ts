import { CommandError } from '../../host/usage-error.ts';
import { goValue } from './go-value.ts';

type Args = readonly unknown[];

/** The functions of Go's templates, and docker's own, that `--format` knows. */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, (...args: Args) => unknown>> = {
  json: (value) => JSON.stringify(value ?? null),
  index: (value, ...keys) => keys.reduce(indexOf, value),
  len: (value) => lengthOf(value),
  join: (list, separator) => listOf(list, 'join').map(goValue).join(String(separator)),
  split: (text, separator) => String(text).split(String(separator)),
  lower: (text) => String(text).toLowerCase(),
  upper: (text) => String(text).toUpperCase(),
  title: (text) => String(text).replace(/(?<!\S)\S/g, (letter) => letter.toUpperCase()),
  pad: (text, before, after) => `${' '.repeat(Number(before))}${String(text)}${' '.repeat(Number(after))}`,
  truncate: (text, length) => Array.from(String(text)).slice(0, Number(length)).join(''),
  print: (...values) => values.map(goValue).join(''),
  println: (...values) => `${values.map(goValue).join(' ')}\n`,
  printf: (format, ...values) => printed(String(format), values),
  eq: (first, ...others) => others.some((other) => other === first),
  ne: (first, second) => first !== second,
  lt: (first, second) => Number(first) < Number(second),
  le: (first, second) => Number(first) <= Number(second),
  gt: (first, second) => Number(first) > Number(second),
  ge: (first, second) => Number(first) >= Number(second),
  not: (value) => !isTrue(value),
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
};

/** Nothing, zero, and what is empty are false to Go's templates. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function indexOf(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const at = Number(key);
    if (at < 0 || at >= value.length) throw new CommandError(`--format: index out of range: ${String(key)}`);
    return value[at];
  }
  if (typeof value !== 'object' || value === null)
    throw new CommandError('--format: index of what is neither a list nor a map');
  return Object.hasOwn(value, String(key)) ? (value as Readonly<Record<string, unknown>>)[String(key)] : '';
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'object') throw new CommandError('--format: len of what has no length');
  return Object.keys(value).length;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new CommandError(`--format: ${name} of what is no list`);
  return value;
}

function printed(format: string, values: Args): string {
  let next = 0;
  return format.replace(/%(?:([-0]?)(\d*)([vsdq])|%)/g, (_, flag: string, width: string, verb: string | undefined) => {
    if (verb === undefined) return '%';
    const value = values[next++];
    const text = verb === 'q' ? JSON.stringify(String(value)) : goValue(value);
    return flag === '-' ? text.padEnd(Number(width)) : text.padStart(Number(width), flag === '0' ? '0' : ' ');
  });
}
