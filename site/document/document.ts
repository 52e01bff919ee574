import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Slugger } from '../slug.ts';
import { markdown, plainText, type Token } from './markdown.ts';

/** A heading: what it is called, its anchor, and where its text begins and ends among the tokens. */
export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly slug: string;
  /** Index of `heading_open`. */
  readonly at: number;
}

/** A link as written, and the line on which it is. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

/** A Markdown file, parsed once. */
export class MarkdownDocument {
  /** Path in the repository. */
  readonly path: string;
  readonly tokens: readonly Token[];
  readonly headings: readonly Heading[];
  readonly links: readonly Link[];
  /** Markup that GitHub would take out and the site does not show: a `<word>` that should be code. */
  readonly html: readonly Link[];

  constructor(path: string, text: string) {
    this.path = path;
    this.tokens = markdown.parse(text, {});
    this.headings = headingsOf(this.tokens);
    const { links, html } = inlineFinds(this.tokens);
    this.links = links;
    this.html = html;
  }

  static read(project: string, path: string): MarkdownDocument {
    return new MarkdownDocument(path, readFileSync(join(project, path), 'utf8'));
  }

  get title(): string {
    return this.headings[0]?.text ?? this.path;
  }

  /** Whether a link to `#slug` leads anywhere. */
  has(slug: string): boolean {
    return this.headings.some((heading) => heading.slug === slug);
  }
}

function headingsOf(tokens: readonly Token[]): readonly Heading[] {
  const slugger = new Slugger();
  return tokens.flatMap((token, at) => {
    const inline = tokens[at + 1];
    if (token.type !== 'heading_open' || inline === undefined) return [];
    const text = plainText(inline);
    return [{ level: Number(token.tag.slice(1)), text, slug: slugger.slug(text), at }];
  });
}

/** Every link and picture, and all markup but comments. A cell has no line of its own: its row has. */
function inlineFinds(tokens: readonly Token[]): { readonly links: readonly Link[]; readonly html: readonly Link[] } {
  const links: Link[] = [];
  const html: Link[] = [];
  let line = 1;
  for (const token of tokens) {
    line = token.map === null ? line : token.map[0] + 1;
    for (const child of [token, ...(token.children ?? [])]) {
      if (child.type === 'softbreak' || child.type === 'hardbreak') line++;
      const isHtml = child.type === 'html_inline' || child.type === 'html_block';
      if (isHtml && !child.content.startsWith('<!--')) html.push({ target: child.content.trim(), line });
      const target = child.attrGet(child.type === 'image' ? 'src' : 'href');
      if (typeof target === 'string') links.push({ target, line });
    }
  }
  return { links, html };
}
