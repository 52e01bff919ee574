import type { JsonValue } from '@tsbuild/oci';
import { looksSecret, maskedText, maskedValue } from '../explain/mask.ts';

const MASK = '***';
/** A shorter value is a word of every other text. */
const SHORTEST_SECRET = 4;

/**
 * Keeps secrets out of statements, which everybody may read who may pull the image: values whose names or looks say that they
 * are secret, and those very values wherever else they stand.
 */
export class Masking {
  readonly #values: readonly string[];
  readonly #open: ReadonlySet<string>;

  /**
   * @param known variables whose values may come up under other names
   * @param open `NAME=value` of the base image, which anyone can read there
   */
  constructor(known: Iterable<readonly [name: string, value: string]>, open: readonly string[] = []) {
    this.#open = new Set(open);
    const secrets = [...known]
      .filter(([name, value]) => looksSecret(name, value) && !this.#open.has(`${name}=${value}`))
      .map(([, value]) => value);
    // The longest first: one may be part of another.
    this.#values = secrets.filter(({ length }) => length >= SHORTEST_SECRET).toSorted((a, b) => b.length - a.length);
  }

  /** A variable's value. */
  value(name: string, value: string): string {
    return this.#withoutKnown(maskedValue(name, value));
  }

  /** A command, a URL, a line of a Dockerfile. */
  text(text: string): string {
    return this.#withoutKnown(maskedText(text));
  }

  /** Every text of some JSON; `NAME=value` as a variable. */
  json(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.#pair(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item: JsonValue) => this.json(item));
    const members = Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [[key, this.json(member)] as const],
    );
    return Object.fromEntries(members);
  }

  #pair(text: string): string {
    if (this.#open.has(text)) return text;
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
    return name === undefined || value === undefined ? this.text(text) : `${name}=${this.value(name, value)}`;
  }

  #withoutKnown(text: string): string {
    return this.#values.reduce((masked, value) => masked.replaceAll(value, MASK), text);
  }
}
