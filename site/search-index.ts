import type { Heading } from './document/document.ts';
import { plainText, type Token } from './document/markdown.ts';

/** What the search finds: a section of a page. */
export interface SearchEntry {
  readonly address: string;
  readonly page: string;
  readonly heading: string;
  readonly text: string;
}

/** The sections of a page, each as its plain text. */
export function searchEntries(
  tokens: readonly Token[],
  headings: readonly Heading[],
  page: { readonly address: string; readonly label: string },
): readonly SearchEntry[] {
  const entries: { address: string; page: string; heading: string; text: string[] }[] = [];
  const begin = (address: string, heading: string): void => {
    entries.push({ address, page: page.label, heading, text: [] });
  };
  begin(page.address, page.label);
  let number = 0;
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const heading = headings[number++];
      if (heading !== undefined && heading.level > 1) begin(`${page.address}#${heading.slug}`, heading.text);
    } else if (token.type === 'inline' && tokens[i - 1]?.type !== 'heading_open') {
      entries.at(-1)?.text.push(plainText(token));
    } else if (token.type === 'fence' || token.type === 'code_block') {
      entries.at(-1)?.text.push(token.content);
    }
  }
  return entries.map(({ text, ...entry }) => ({ ...entry, text: text.join(' ').replaceAll(/\s+/g, ' ').trim() }));
}

/** The index as a script, since a page opened from a file cannot fetch: it is loaded when somebody begins to search. */
export function searchScript(entries: readonly SearchEntry[]): string {
  const rows = entries.map(({ address, page, heading, text }) => [address, page, heading, text]);
  // Line separators are no line ends in JSON, and were in older scripts.
  const json = JSON.stringify(rows).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  return `globalThis.tsbuildSearch = ${json};\n`;
}
