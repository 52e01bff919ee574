import type { Heading, MarkdownDocument } from '../document/document.ts';
import type { Token } from '../document/markdown.ts';

/** What one page shows of a document that is split. */
export interface Part {
  /** Undefined for what stands before the first heading of the second level. */
  readonly slug: string | undefined;
  readonly title: string;
  readonly tokens: readonly Token[];
  readonly headings: readonly Heading[];
}

/** A document as pages: the text before its first heading of the second level, and one part for each of these. */
export function partsOf(document: MarkdownDocument): readonly Part[] {
  const starts = document.headings.filter(({ level }) => level === 2);
  const first = starts[0]?.at ?? document.tokens.length;
  return [
    part(document, undefined, 0, first),
    ...starts.map((start, i) => part(document, start, start.at, starts[i + 1]?.at ?? document.tokens.length)),
  ];
}

function part(document: MarkdownDocument, start: Heading | undefined, from: number, to: number): Part {
  return {
    slug: start?.slug,
    title: start?.text ?? document.title,
    tokens: document.tokens.slice(from, to),
    // A page of its own begins with a heading of the first level.
    headings: document.headings
      .filter(({ at }) => at >= from && at < to)
      .map((heading) => (start === undefined ? heading : { ...heading, level: heading.level - 1 })),
  };
}
