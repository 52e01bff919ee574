/**
 * Changes JSON text without decoding what stays: members that nobody names keep their very characters, so numbers beyond
 * 2^53, the order of integer-like keys and fields of future specifications survive. The text must be valid JSON.
 */

/** The members of an object's text with the text of their values, in order; of a name that comes twice the last counts. */
export function splitObject(text: string): Map<string, string> {
  const members = new Map<string, string>();
  const scanner = new Scanner(text, '{');
  while (scanner.more('}')) {
    const name = JSON.parse(scanner.value()) as string;
    scanner.expect(':');
    members.set(name, scanner.value());
  }
  return members;
}

/** The texts of an array's items. */
export function splitArray(text: string): string[] {
  const items: string[] = [];
  const scanner = new Scanner(text, '[');
  while (scanner.more(']')) items.push(scanner.value());
  return items;
}

/** The text of an object with these members. */
export function joinObject(members: Iterable<readonly [string, string]>): string {
  return `{${Array.from(members, ([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

/** The text of an array with these items. */
export function joinArray(items: readonly string[]): string {
  return `[${items.join(',')}]`;
}

/** New texts of members; undefined takes a member away. */
export type MemberChanges = Readonly<Record<string, string | undefined>>;

/** The object's text with some members changed: known ones in their place, new ones at the end. `null` counts as `{}`. */
export function editObject(text: string | undefined, changes: MemberChanges): string {
  const members = text === undefined || text.trim() === 'null' ? new Map<string, string>() : splitObject(text);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) members.delete(name);
    else members.set(name, value);
  }
  return joinObject(members);
}

/** As {@link editObject}, with values instead of texts. */
export function setMembers(text: string | undefined, changes: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(changes).map(([name, value]) => [name, jsonText(value)] as const);
  return editObject(text, Object.fromEntries(texts));
}

function jsonText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

const BLANKS = /[ \t\r\n]*/y;
const SCALAR = /[^\s,\]}]+/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
/** What matters between the brackets of a value that is passed over whole. */
const INSIDE = /[^"[\]{}]*/y;

class Scanner {
  readonly #text: string;
  #at = 0;
  #first = true;

  constructor(text: string, opening: string) {
    this.#text = text;
    this.expect(opening);
  }

  expect(character: string): void {
    this.#match(BLANKS);
    if (this.#text[this.#at] !== character) throw new SyntaxError(`${character} expected at position ${this.#at}`);
    this.#at++;
  }

  /** True when another item follows; steps over the comma before it, or over the closing bracket. */
  more(closing: string): boolean {
    this.#match(BLANKS);
    if (this.#text[this.#at] === closing) {
      this.#at++;
      return false;
    }
    if (!this.#first) this.expect(',');
    this.#first = false;
    return true;
  }

  value(): string {
    this.#match(BLANKS);
    const start = this.#at;
    const opening = this.#text[start];
    if (opening === '"') this.#match(STRING);
    else if (opening === '{' || opening === '[') this.#nested();
    else this.#match(SCALAR);
    if (this.#at === start) throw new SyntaxError(`a value expected at position ${start}`);
    return this.#text.slice(start, this.#at);
  }

  #nested(): void {
    let depth = 0;
    do {
      const character = this.#text[this.#at];
      if (character === undefined) throw new SyntaxError('unexpected end of the text');
      if (character === '"') this.#match(STRING);
      else this.#at++;
      if (character === '{' || character === '[') depth++;
      else if (character === '}' || character === ']') depth--;
      if (depth > 0) this.#match(INSIDE);
    } while (depth > 0);
  }

  #match(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
    else if (pattern === STRING) throw new SyntaxError(`a string that does not end, at position ${this.#at}`);
  }
}
