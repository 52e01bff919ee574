/** The fields of one paragraph, by their names in lower case. */
export type Stanza = ReadonlyMap<string, string>;

/**
 * The paragraphs of a text in the form of Debian's control files (deb822) and of mail headers, which Python's metadata
 * has: `Name: value`, continued by lines that begin with a space or tab, a paragraph ending at an empty line. Only the
 * fields in `wanted` are kept. Of a field that comes twice the first counts.
 */
export function* stanzas(text: string, wanted: ReadonlySet<string>): Generator<Stanza, void, undefined> {
  let fields = new Map<string, string>();
  let seen = false;
  for (const line of linesOf(text)) {
    if (line === '') {
      if (seen) yield fields;
      fields = new Map();
      seen = false;
      continue;
    }
    seen = true;
    if (line.startsWith(' ') || line.startsWith('\t')) continue;
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    if (wanted.has(name) && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  if (seen) yield fields;
}

/** The lines of a text, without copying it; `\r\n` ends a line, too. */
export function* linesOf(text: string): Generator<string, void, undefined> {
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    yield text.slice(start, text[end - 1] === '\r' && end > start ? end - 1 : end);
    start = end + 1;
  }
}
