import type { PageSummary } from '../../src/explore/page-data.ts';

/** What the page was given: in elements of it, or by a script beside it. */
interface Given {
  readonly summary: string;
  readonly entries: string;
}

export interface PageSource {
  readonly summary: PageSummary;
  /** base64 of gzip of columns. */
  readonly entries: string;
}

export function pageSource(): PageSource {
  const beside = (globalThis as { readonly tsbuildExplorer?: Given }).tsbuildExplorer;
  const { summary, entries } = beside ?? { summary: take('summary'), entries: take('entries') };
  const bytes = Uint8Array.from(atob(summary), (character) => character.charCodeAt(0));
  return { summary: JSON.parse(new TextDecoder().decode(bytes)) as PageSummary, entries };
}

/** The text of an element, which then lets go of it: it may have many megabytes. */
function take(id: string): string {
  const found = document.getElementById(id);
  const text = found?.textContent ?? '';
  found?.remove();
  return text;
}
