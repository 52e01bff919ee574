/** Where the page is: a view and what it shows, as the address's fragment says: `#/files?layer=6&path=/app`. */
export interface Place {
  readonly view: string;
  /** Byte strings. */
  readonly values: Readonly<Record<string, string>>;
}

/** Reads a fragment; whatever is no place is the beginning. */
export function parseFragment(fragment: string): Place {
  const [path = '', query = ''] = fragment.replace(/^#\/?/, '').split('?', 2);
  const values: Record<string, string> = {};
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    if (equals > 0) values[pair.slice(0, equals)] = unescaped(pair.slice(equals + 1));
  }
  return { view: path, values };
}

/** The fragment of a place; values that are empty are left out. Bytes that are no letters are escaped. */
export function fragmentOf(view: string, values: Place['values'] = {}): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== '');
  const query = pairs.map(([name, value]) => `${name}=${escapedBytes(value)}`).join('&');
  return `#/${view}${query === '' ? '' : `?${query}`}`;
}

function unescaped(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function escapedBytes(bytes: string): string {
  return bytes.replace(
    /[^\w./@+,:-]/g,
    (character) => `%${(character.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
