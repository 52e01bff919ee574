import { posix } from 'node:path';
import type { MarkdownDocument } from '../document/document.ts';
import { isExternal, targetOf } from '../document/links.ts';
import { allPages, type PageEntry } from '../site-map.ts';
import { partsOf } from './parts.ts';

/** Where a page of a document is in the site: `docs/build.html`; a README is its directory's index. */
export function pageAddress(path: string): string {
  return path.replace(/(?:README)?\.md$/, (end) => (end === '.md' ? '.html' : 'index.html'));
}

/** The page of one part of a document that is split. */
export function partAddress(path: string, slug: string): string {
  return `${pageAddress(path).replace(/\.html$/, '')}/${slug}.html`;
}

/** Where the text of a file that is no page is shown. */
export function sourceAddress(path: string): string {
  return `source/${path}.html`;
}

/** A way from one page to another that holds on every server, below any prefix, and without one. */
export function relativeAddress(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to) || posix.basename(to);
}

/** Knows where everything is that documents link to, and which files they want shown. */
export class Addresses {
  /** Files of the repository that are linked and are no page. */
  readonly sources = new Set<string>();
  readonly #pages = new Map(allPages().map((entry): [string, PageEntry] => [entry.path, entry]));
  readonly #documents: ReadonlyMap<string, MarkdownDocument>;

  constructor(documents: ReadonlyMap<string, MarkdownDocument>) {
    this.#documents = documents;
  }

  /** What stands in the page `page`, made of `path`, for an address of its document. */
  rewrite(address: string, { path, page }: { readonly path: string; readonly page: string }): string {
    const target = targetOf(path, address);
    if (target === undefined || isExternal(address)) return address;
    const [to, anchor] = this.#find(target.path, target.anchor);
    return `${to === page && anchor !== undefined ? '' : relativeAddress(page, to)}${anchor === undefined ? '' : `#${anchor}`}`;
  }

  #find(path: string, anchor: string | undefined): readonly [string, string | undefined] {
    const entry = this.#pages.get(path);
    if (entry === undefined) {
      this.sources.add(path);
      return [sourceAddress(path), undefined];
    }
    const document = this.#documents.get(path);
    if (entry.split === undefined || anchor === undefined || document === undefined) return [pageAddress(path), anchor];
    const part = partsOf(document).find(({ headings }) => headings.some(({ slug }) => slug === anchor));
    return part?.slug === undefined ? [pageAddress(path), anchor] : [partAddress(path, part.slug), anchor];
  }
}
