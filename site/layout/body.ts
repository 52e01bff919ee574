import type { Heading } from '../document/document.ts';
import { markdown, type Token } from '../document/markdown.ts';
import { colourCode, escapeHtml } from './colour-code.ts';

/** How the parts of a text become HTML. */
interface BodyOptions {
  /** The headings among the tokens, in their order. */
  readonly headings: readonly Heading[];
  /** What stands for an address of the document. */
  readonly rewrite: (address: string) => string;
}

type Rules = typeof markdown.renderer.rules;

/** The tokens of a document as HTML. What they are is not changed, so that a document can be shown twice. */
export function bodyHtml(tokens: readonly Token[], options: BodyOptions): string {
  const { renderer } = markdown;
  const before = { ...renderer.rules };
  Object.assign(renderer.rules, rulesFor(options));
  try {
    return renderer.render([...tokens], markdown.options, {});
  } finally {
    renderer.rules = before;
  }
}

function rulesFor({ headings, rewrite }: BodyOptions): Rules {
  let number = 0;
  const opened: Heading[] = [];
  return {
    heading_open: () => {
      const heading = headings[number++] ?? { level: 2, slug: '', text: '', at: 0 };
      opened.push(heading);
      return `<h${heading.level} id="${escapeHtml(heading.slug)}">`;
    },
    heading_close: () => {
      const { level, slug, text } = opened.pop() ?? { level: 2, slug: '', text: '' };
      const link = `<a class="anchor" href="#${escapeHtml(slug)}" aria-label="Link to “${escapeHtml(text)}”">#</a>`;
      return `${level === 1 ? '' : link}</h${level}>\n`;
    },
    link_open: (tokens, i) => {
      const address = rewrite(String(tokens[i]?.attrGet('href') ?? ''));
      return `<a href="${escapeHtml(address)}">`;
    },
    // Wide ones scroll by themselves, by the keyboard too; the page never does.
    table_open: () => '<div class="table" tabindex="0"><table>\n',
    table_close: () => '</table></div>\n',
    // A heading over nothing would be read out as one.
    th_open: (tokens, i) => cellOpen(tokens[i + 1]?.content === '' ? 'td' : 'th', tokens[i]),
    th_close: (tokens, i) => (tokens[i - 1]?.content === '' ? '</td>' : '</th>'),
    td_open: (tokens, i) => cellOpen('td', tokens[i]),
    fence: (tokens, i) => codeBlock(tokens[i]?.content ?? '', tokens[i]?.info.trim().split(/\s/)[0] ?? ''),
    code_block: (tokens, i) => codeBlock(tokens[i]?.content ?? '', 'sh'),
    // Comments are marks of the scripts that fill in tables; other markup is told as a problem of its document.
    html_block: () => '',
    html_inline: () => '',
  };
}

/** A column's side as a class: the policy of the pages forbids styles in attributes. */
function cellOpen(tag: 'th' | 'td', token: Token | undefined): string {
  const side = /right|center/.exec(String(token?.attrGet('style') ?? ''))?.[0];
  return `<${tag}${side === undefined ? '' : ` class="${side}"`}>`;
}

function codeBlock(code: string, language: string): string {
  return `<pre tabindex="0"><code>${colourCode(code.replace(/\n$/, ''), language)}</code></pre>\n`;
}
