import MarkdownIt, { type Token } from 'markdown-it';

export type { Token };

/** Markdown as GitHub reads it, as far as the documents use it. */
export const markdown = new MarkdownIt('default', { html: true, linkify: false, typographer: false });

/** The text of a token without its marks, as a heading's name and the search see it. */
export function plainText(token: Token): string {
  return (token.children ?? [])
    .map((child) => {
      if (child.type === 'softbreak' || child.type === 'hardbreak') return ' ';
      return child.type === 'html_inline' ? '' : child.content;
    })
    .join('');
}
