import { notSupportedYet, UsageError } from '../../host/usage-error.ts';

/** The `key=value` pairs of one --output, each to be taken once. */
export class OutputFields {
  readonly text: string;
  readonly #fields: Map<string, string>;

  constructor(text: string) {
    this.text = text;
    this.#fields = new Map(splitRecord(text).map((field) => splitField(text, field)));
  }

  take(key: string): string | undefined {
    const value = this.#fields.get(key);
    this.#fields.delete(key);
    return value;
  }

  /** A value that Go's strconv.ParseBool reads. @throws UsageError */
  boolean(key: string, absent: boolean): boolean {
    const value = this.take(key);
    if (value === undefined) return absent;
    const on = booleanOf(value);
    if (on === undefined) throw wrongOutput(this.text, `${key}= must be true or false`);
    return on;
  }

  /** The names of a list inside one value. */
  list(key: string): readonly string[] {
    return (this.take(key) ?? '').split(',').filter((name) => name !== '');
  }

  /** Takes away the keys that `matches` and returns them with their values. */
  takeAll(matches: RegExp): readonly (readonly [key: string, value: string])[] {
    const taken = [...this.#fields].filter(([key]) => matches.test(key));
    for (const [key] of taken) this.#fields.delete(key);
    return taken;
  }

  /**
   * Takes a key that docker has and that changes nothing here, as long as its value is one of `same`.
   * @throws UsageError with `instead` for another value
   */
  ignore(key: string, same: RegExp, instead: string): void {
    const value = this.take(key);
    if (value === undefined || same.test(value)) return;
    throw notSupportedYet(`${key}=${value} in --output ${this.text}`, 'build', instead);
  }

  /** @throws UsageError for keys that nobody has taken */
  end(): void {
    const [left] = this.#fields.keys();
    if (left !== undefined) throw notSupportedYet(`${left}= in --output ${this.text}`, 'build');
  }
}

export const BOOLEAN = /^(?:1|t|true|0|f|false)$/i;
export const YES = /^(?:1|t|true)$/i;
export const NO = /^(?:0|f|false)$/i;

function booleanOf(value: string): boolean | undefined {
  return BOOLEAN.test(value) ? YES.test(value) : undefined;
}

/**
 * The fields of one line of comma-separated values, RFC 4180, as Go's encoding/csv reads them: a field may stand in double
 * quotes (`type=image,"name=a,b"`), where a doubled quote is one.
 */
export function splitRecord(
  text: string,
  wrong: (why: string) => UsageError = (why) => wrongOutput(text, why),
): readonly string[] {
  const fields: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(text.slice(at));
    if (quoted === null && text[at] === '"') throw wrong('a quoted field must end with a quote');
    const end = text.indexOf(',', at + (quoted?.[0].length ?? 0));
    const whole = text.slice(at, end < 0 ? text.length : end);
    fields.push(quoted === null ? whole : (quoted[1] ?? '').replaceAll('""', '"'));
    if (end < 0) break;
    at = end + 1;
  }
  return fields;
}

function splitField(text: string, field: string): [string, string] {
  const equals = field.indexOf('=');
  if (equals < 0) throw wrongOutput(text, `expected key=value, not ${JSON.stringify(field)}`);
  const key = field.slice(0, equals).trim();
  // The rest of an annotation's key is the annotation's own.
  return [/^annotation/i.test(key) ? key : key.toLowerCase(), field.slice(equals + 1)];
}

/** An --output that cannot be meant. */
export function wrongOutput(text: string, why: string): UsageError {
  return new UsageError(`invalid --output ${JSON.stringify(text)}: ${why}`, { command: 'build' });
}
