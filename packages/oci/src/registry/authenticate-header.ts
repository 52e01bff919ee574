/** One way to authenticate that a server offers (RFC 9110, 11.6.1). Names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Far more than any honest registry sends; Node itself stops at 16 KiB of headers. */
const LENGTH_LIMIT = 16 * 1024;

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;
const BLANKS = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;

/**
 * Reads WWW-Authenticate. What follows a mistake is dropped, and a parameter that is given twice makes its challenge
 * worthless: two readers would take different values. Never throws, and takes time linear in the length.
 */
export function parseAuthenticate(header: string | undefined): readonly Challenge[] {
  if (header === undefined || header.length > LENGTH_LIMIT) return [];
  const reader = new HeaderReader(header);
  const challenges: Challenge[] = [];
  reader.read(SEPARATORS);
  let scheme = reader.read(TOKEN);
  while (scheme !== undefined) {
    const parameters = new Map<string, string>();
    let ambiguous = false;
    let next: string | undefined;
    reader.read(BLANKS);
    reader.read(TOKEN68); // such as `Negotiate abc==`; nothing that we speak
    reader.read(SEPARATORS);
    for (next = reader.read(TOKEN); next !== undefined; next = reader.read(TOKEN)) {
      const value = reader.value();
      if (value === 'absent') break; // no parameter: the name of the next scheme
      if (value === 'malformed') return challenges;
      ambiguous ||= parameters.has(next.toLowerCase());
      parameters.set(next.toLowerCase(), value.text);
      reader.read(SEPARATORS);
    }
    if (!ambiguous) challenges.push({ scheme: scheme.toLowerCase(), parameters });
    scheme = next;
  }
  return challenges;
}

class HeaderReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text that a sticky pattern matches here, or nothing. */
  read(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[1] ?? match[0];
  }

  /** `= value` after the name of a parameter. */
  value(): { readonly text: string } | 'absent' | 'malformed' {
    const start = this.#at;
    this.read(BLANKS);
    if (this.#text[this.#at] !== '=') {
      this.#at = start;
      this.read(BLANKS);
      return 'absent';
    }
    this.#at++;
    this.read(BLANKS);
    const quoted = this.#text[this.#at] === '"';
    const text = this.read(quoted ? QUOTED : TOKEN);
    if (text === undefined) return 'malformed';
    return { text: quoted ? text.replace(/\\(.)/g, '$1') : text };
  }
}
