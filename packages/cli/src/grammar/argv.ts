import { UsageError, notSupportedYet } from '../host/usage-error.ts';
import type { OptionSpec, OptionTable } from './options.ts';
import { didYouMean } from './suggest.ts';

/** What a command line says, options by long name. */
export interface ParsedArguments {
  readonly options: ReadonlyMap<string, boolean | string | readonly string[]>;
  readonly operands: readonly string[];
}

/**
 * Reads a command line by docker's grammar (that of spf13/pflag), which general parsers get wrong in its corners:
 *
 * - `--tag=x`, `--tag x`, `-t x`, `-tx`, `-t=x`; the next word is the value whatever it looks like (`--build-arg -x`)
 * - flags never take the next word: `--no-cache`, `--no-cache=false`; short ones cluster, the last may take a value: `-qt x`
 * - an option with a `bare` value takes it when no `=` follows: `--fail-on-miss`, `--fail-on-miss=build`
 * - options and operands mix; `--` ends the options; `-` and an empty word are operands
 * - of a repeated `value` the last one wins, a `list` keeps all
 * @throws UsageError for an unknown option, a missing value, or a value that is none of the choices
 */
export function parseArguments(
  argv: readonly string[],
  table: OptionTable,
  settings: { readonly command?: string; readonly stopAtOperand?: boolean } = {},
): ParsedArguments {
  const parser = new ArgumentParser(table, settings.command);
  const operands: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      operands.push(...words);
      break;
    }
    if (word.startsWith('--')) parser.long(word.slice(2), words);
    else if (word.startsWith('-') && word !== '-') parser.short(word, words);
    else {
      operands.push(word);
      if (settings.stopAtOperand === true) {
        operands.push(...words);
        break;
      }
    }
  }
  return { options: parser.options, operands };
}

class ArgumentParser {
  readonly options = new Map<string, boolean | string | readonly string[]>();
  readonly #table: OptionTable;
  readonly #command: string | undefined;

  constructor(table: OptionTable, command: string | undefined) {
    this.#table = table;
    this.#command = command;
  }

  /** `name`, `name=value`, or `name` with its value in the next word. */
  long(text: string, rest: string[]): void {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const spec = this.#find(name);
    if (spec === undefined) {
      throw this.#error(`unknown option --${name}`, didYouMean(name, this.#offered(), '--'));
    }
    const given = equals < 0 ? undefined : text.slice(equals + 1);
    const next = (): string => spec.bare ?? this.#next(`--${name}`, spec, rest);
    this.#set(name, spec, spec.kind === 'flag' ? given : (given ?? next()), `--${name}`);
  }

  /** A cluster of short options: `-q`, `-qt x`, `-tx`, `-t=x`. */
  short(word: string, rest: string[]): void {
    for (let i = 1; i < word.length; i++) {
      const letter = word.charAt(i);
      const found = Object.entries(this.#table).find(([, spec]) => spec.short === letter);
      if (found === undefined) throw this.#error(`unknown option -${letter}${word.length > 2 ? ` in ${word}` : ''}`);
      const [name, spec] = found;
      const shown = `-${letter}`;
      const tail = word.slice(i + 1);
      if (spec.kind === 'flag' && !tail.startsWith('=')) {
        this.#set(name, spec, undefined, shown);
        continue;
      }
      const attached = tail.startsWith('=') ? tail.slice(1) : tail;
      this.#set(name, spec, tail === '' ? this.#next(shown, spec, rest) : attached, shown);
      return;
    }
  }

  #next(shown: string, spec: OptionSpec, rest: string[]): string {
    const value = rest.shift();
    if (value === undefined) {
      throw this.#error(`${shown} needs a value`, spec.placeholder && `e.g. ${shown} ${spec.placeholder}`);
    }
    return value;
  }

  #set(name: string, spec: OptionSpec, value: string | undefined, shown: string): void {
    if (spec.kind === 'flag') {
      const on = value === undefined ? true : parseBoolean(value);
      if (on === undefined) {
        throw this.#error(`invalid value ${JSON.stringify(value)} for ${shown}: expected true or false`);
      }
      if (spec.later === true && on) throw notSupportedYet(shown, this.#command, spec.instead);
      this.options.set(name, on);
      return;
    }
    const text = value ?? '';
    if (spec.later === true && parseBoolean(text) !== false) throw notSupportedYet(shown, this.#command, spec.instead);
    if (spec.choices !== undefined && !spec.choices.includes(text)) {
      throw this.#error(
        `invalid value ${JSON.stringify(text)} for ${shown}: expected ${spec.choices.join(', ')}`,
        didYouMean(text, spec.choices),
      );
    }
    const before = this.options.get(name);
    this.options.set(name, spec.kind === 'list' ? [...(Array.isArray(before) ? before : []), text] : text);
  }

  #find(name: string): OptionSpec | undefined {
    return Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
  }

  #offered(): string[] {
    return Object.entries(this.#table).flatMap(([name, spec]) => (spec.later === true ? [] : [name]));
  }

  #error(message: string, hint?: string): UsageError {
    return new UsageError(message, { hint, ...(this.#command === undefined ? {} : { command: this.#command }) });
  }
}

/** The spellings that Go's strconv.ParseBool takes. */
function parseBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
  return undefined;
}
