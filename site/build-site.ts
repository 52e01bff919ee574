import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MarkdownDocument } from './document/document.ts';
import { markdownFiles } from './document/files.ts';
import { documentProblems, type Problem } from './document/links.ts';
import { Addresses, pageAddress, partAddress, sourceAddress } from './layout/addresses.ts';
import { bodyHtml } from './layout/body.ts';
import { colourCode, escapeHtml } from './layout/colour-code.ts';
import { pageHtml, type Page } from './layout/page.ts';
import { partsOf } from './layout/parts.ts';
import { searchEntries, searchScript, type SearchEntry } from './search-index.ts';
import { allPages, type PageEntry } from './site-map.ts';

/** Of a page without its pictures, in bytes: what loads at once over a slow line. */
export const PAGE_LIMIT = 60_000;

/** A site in memory: address → content. */
export interface Site {
  readonly files: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Makes every page, and says what is wrong with the documents. */
export function buildSite(project: string): Site {
  const documents = markdownFiles(project).map((path) => MarkdownDocument.read(project, path));
  const byPath = new Map(documents.map((document) => [document.path, document]));
  const problems = [...documentProblems(project, documents)];
  const addresses = new Addresses(byPath);
  const files = new Map<string, string>();
  const found: SearchEntry[] = [];
  for (const entry of allPages()) {
    const document = byPath.get(entry.path);
    if (document === undefined) problems.push(`site/site-map.ts: there is no ${entry.path}`);
    else for (const page of pagesOf(document, entry, addresses, found)) files.set(page.address, pageHtml(page));
  }
  for (const [address, html] of files) {
    const size = Buffer.byteLength(html);
    if (size > PAGE_LIMIT)
      problems.push(`${address}: ${size} bytes, more than ${PAGE_LIMIT}: split it in site/site-map.ts`);
  }
  // As large as the files are.
  for (const path of problems.length === 0 ? addresses.sources : [])
    files.set(sourceAddress(path), pageHtml(sourcePage(project, path)));
  files.set('assets/search-index.js', searchScript(found));
  return { files, problems };
}

/** The pages of one document, most of the time one; what the search finds of them comes behind what it has. */
function pagesOf(
  document: MarkdownDocument,
  entry: PageEntry,
  addresses: Addresses,
  found: SearchEntry[],
): readonly Page[] {
  const { path } = document;
  const whole = { slug: undefined, title: document.title, tokens: document.tokens, headings: document.headings };
  const parts = (entry.split === undefined ? [whole] : partsOf(document)).map((part) => ({
    ...part,
    address: part.slug === undefined ? pageAddress(path) : partAddress(path, part.slug),
  }));
  const listed = parts.filter(({ slug }) => slug !== undefined);
  return parts.map(({ slug, title, tokens, headings, address }) => {
    const label = slug === undefined ? entry.label : `${entry.label}: ${title}`;
    found.push(...searchEntries(tokens, headings, { address, label }));
    const body = bodyHtml(tokens, { headings, rewrite: (to) => addresses.rewrite(to, { path, page: address }) });
    return { address, path, title, body, headings, parts: listed };
  });
}

/** A file that documents link to, as text. */
function sourcePage(project: string, path: string): Page {
  const file = join(project, path);
  const text = statSync(file).isDirectory() ? readdirSync(file).toSorted().join('\n') : readFileSync(file, 'utf8');
  const language = { mjs: 'js', js: 'js', ts: 'ts', yml: 'yaml', yaml: 'yaml', toml: 'toml' }[
    path.split('.').at(-1) ?? ''
  ];
  const body = `<h1>${escapeHtml(path)}</h1>\n<pre tabindex="0"><code>${colourCode(text, language ?? '')}</code></pre>\n`;
  return { address: sourceAddress(path), path: undefined, title: path, body, headings: [], parts: [] };
}

/** Writes a site in place of what the directory held of an earlier one. */
export function writeSite(project: string, directory: string, { files }: Site): void {
  rmSync(directory, { recursive: true, force: true });
  for (const [address, content] of files) {
    mkdirSync(dirname(join(directory, address)), { recursive: true });
    writeFileSync(join(directory, address), content);
  }
  cpSync(join(project, 'site/assets'), join(directory, 'assets'), { recursive: true });
}
