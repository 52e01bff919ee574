import type { Heading } from '../document/document.ts';
import { escapeHtml } from './colour-code.ts';
import { pageAddress, relativeAddress } from './addresses.ts';
import { allPages, SITE_MAP, type PageEntry } from '../site-map.ts';

/** What a page shows. */
export interface Page {
  /** Its own address in the site. */
  readonly address: string;
  /** The document it belongs to in the sidebar; a file that is only shown belongs to none. */
  readonly path: string | undefined;
  readonly title: string;
  readonly body: string;
  readonly headings: readonly Heading[];
  /** Pages of the same document, where it is split: the sidebar lists them below it. */
  readonly parts: readonly { readonly address: string; readonly title: string }[];
}

/** Nothing from elsewhere, no inline script or style; a page needs no request but for its own three files. */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";

/** The whole document of a page. */
export function pageHtml(page: Page): string {
  const to = (address: string): string => escapeHtml(relativeAddress(page.address, address));
  const title =
    page.address === 'index.html' ? 'tsbuild: container images without a daemon' : `${page.title} · tsbuild`;
  return `<!doctype html>
<html lang="en" data-base="${to('index.html').replace(/index\.html$/, '')}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="${to('assets/icon.svg')}">
<link rel="stylesheet" href="${to('assets/site.css')}">
<script src="${to('assets/site.js')}"></script>
</head>
<body${page.address === 'index.html' ? ' class="home"' : ''}>
<a class="skip" href="#text">Skip to the text</a>
<header>
<button class="menu" popovertarget="sidebar" aria-label="Pages"><span aria-hidden="true">☰</span></button>
<a class="name" href="${to('index.html')}"><img src="${to('assets/icon.svg')}" alt="" width="22" height="22">tsbuild</a>
<search hidden><label><span class="unseen">Search</span><input type="search" placeholder="Search" autocomplete="off" spellcheck="false" aria-controls="found" aria-keyshortcuts="/"></label>
<div id="found" hidden><p role="status"></p><ol></ol></div></search>
<button class="theme" hidden aria-label="Light or dark"><span aria-hidden="true">◐</span></button>
</header>
<nav id="sidebar" popover aria-label="Pages">
${sidebar(page, to)}</nav>
<main id="text">
${page.body}${neighbours(page, to)}</main>
${contents(page)}</body>
</html>
`;
}

function sidebar(page: Page, to: (address: string) => string): string {
  return SITE_MAP.map(({ title, pages }) => {
    const items = pages.map(({ path, label }) => {
      const own = path === page.path;
      const address = pageAddress(path);
      const here = address === page.address ? ' aria-current="page"' : '';
      const parts =
        own && page.parts.length > 0 ? `\n<ul>${page.parts.map((each) => partItem(each, page, to)).join('')}</ul>` : '';
      return `<li><a href="${to(address)}"${here}>${escapeHtml(label)}</a>${parts}</li>\n`;
    });
    return `<h2>${escapeHtml(title)}</h2>\n<ul>\n${items.join('')}</ul>\n`;
  }).join('');
}

function partItem(
  part: { readonly address: string; readonly title: string },
  page: Page,
  to: (address: string) => string,
): string {
  const here = part.address === page.address ? ' aria-current="page"' : '';
  return `<li><a href="${to(part.address)}"${here}>${escapeHtml(part.title)}</a></li>`;
}

/** The headings of a page, beside it where there is room. */
function contents({ headings }: Page): string {
  const shown = headings.filter(({ level }) => level === 2 || level === 3);
  if (shown.length < 3) return '';
  const items = shown.map(
    ({ level, slug, text }) => `<li class="l${level}"><a href="#${escapeHtml(slug)}">${escapeHtml(text)}</a></li>\n`,
  );
  return `<aside aria-label="On this page"><h2>On this page</h2>\n<ul>\n${items.join('')}</ul></aside>\n`;
}

/** The pages before and behind this one in the sidebar. */
function neighbours(page: Page, to: (address: string) => string): string {
  const pages = allPages();
  const at = pages.findIndex(({ path }) => path === page.path);
  if (at < 0) return '';
  const link = (entry: PageEntry | undefined, rel: 'prev' | 'next', word: string): string =>
    entry === undefined
      ? ''
      : `<a rel="${rel}" href="${to(pageAddress(entry.path))}"><small>${word}</small>${escapeHtml(entry.label)}</a>`;
  return `<nav class="neighbours" aria-label="Next pages">${link(pages[at - 1], 'prev', 'Before')}${link(pages[at + 1], 'next', 'Next')}</nav>\n`;
}
