import type { Dockerfile, Instruction } from './instruction.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';

/** Fields that every instruction has; the line's head shows them in its own way. */
const BASE_FIELDS: ReadonlySet<string> = new Set(['kind', 'range', 'keyword', 'text', 'notes']);
/** Lists that are worth showing when they are empty, too. */
const SHOWN_EMPTY: ReadonlySet<string> = new Set(['argv', 'sources']);
/** Flags whose false differs from their absence. */
const SHOWN_FALSE: ReadonlySet<string> = new Set(['unpack']);

/**
 * A compact s-expression text of a parsed Dockerfile for goldens, one instruction a line with its range (`line:column-line:column`):
 *
 *     1:0-1:17 (from (image "scratch") (alias "base"))
 *     2:0-2:11 (run (command (shell "npm ci")))
 *
 * Fields that are absent, false or an empty list are left out; a true one is its bare name.
 */
export function dumpDockerfile(dockerfile: Dockerfile): string {
  const { directives, instructions } = dockerfile;
  const head = `(directives ${fields(directives).join(' ')})`;
  return `${[head, ...instructions.map(dumpInstruction)].join('\n')}\n`;
}

/** One instruction as {@link dumpDockerfile} shows it. */
export function dumpInstruction(instruction: Instruction): string {
  const parts = fields(instruction, BASE_FIELDS);
  return `${dumpRange(instruction.range)} (${[instruction.kind, ...parts].join(' ')})`;
}

function dumpRange({ start, end }: SourceRange): string {
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}

function fields(value: object, without: ReadonlySet<string> = new Set()): string[] {
  const entries: [string, unknown][] = Object.entries(value);
  return entries.flatMap(([name, field]) => (without.has(name) ? [] : dumpField(name, field)));
}

function dumpField(name: string, value: unknown): string[] {
  if (value === undefined || (value === false && !SHOWN_FALSE.has(name))) return [];
  if (value === true) return [name];
  if (Array.isArray(value) && value.length === 0) return SHOWN_EMPTY.has(name) ? [`(${name})`] : [];
  return [`(${name} ${dumpValue(value)})`];
}

function dumpValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return value.map(dumpValue).join(' ');
  if (typeof value !== 'object' || value === null) return String(value);
  return dumpCommand(value) ?? dumpAssignment(value) ?? `(${fields(value).join(' ')})`;
}

/** `(shell "text")` or `(exec "word" …)`. */
function dumpCommand(value: object): string | undefined {
  const { form, text, argv }: Record<string, unknown> = { ...value };
  if (form !== 'shell' && form !== 'exec') return undefined;
  return form === 'shell' ? `(shell ${dumpValue(text)})` : `(${['exec', dumpValue(argv)].join(' ').trimEnd()})`;
}

/** `"K"="V"` for the pairs of ENV and LABEL and the variables of ARG, `"K"` for a variable without default. */
function dumpAssignment(value: object): string | undefined {
  const { key, name, value: text, ...more }: Record<string, unknown> = { ...value };
  const left = key ?? name;
  if (typeof left !== 'string' || Object.keys(more).length > 0) return undefined;
  return text === undefined ? JSON.stringify(left) : `${JSON.stringify(left)}=${JSON.stringify(text)}`;
}
