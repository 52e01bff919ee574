import document from '../../../../../docs/errors.md';

/** What docs/errors.md says of a code, as plain text. */
export interface ErrorEntry {
  readonly code: string;
  /** The heading that it stands under, e.g. `Images`. */
  readonly section: string;
  /** What the code means: the first paragraph. */
  readonly meaning: string;
  readonly why: string;
  readonly todo: string;
}

/** Every entry of docs/errors.md, in its order. */
export function errorCatalogue(): readonly ErrorEntry[] {
  const [, ...sections] = document.split(/^## /m);
  return sections.flatMap((section) => {
    const [title = '', ...entries] = section.split(/^### /m);
    return entries.map((entry) => entryOf(title.trim(), entry));
  });
}

function entryOf(section: string, text: string): ErrorEntry {
  const [code = '', ...body] = text.split('\n');
  const [meaning = '', why = '', todo = ''] = body
    .join('\n')
    .split(/^- (?:Why|What to do): /m)
    .map(plainText);
  return { code, section, meaning, why, todo };
}

/** Markdown without its marks; a link to another page says where that is in the project. */
function plainText(text: string): string {
  return text
    .trim()
    .replaceAll(/\[([^\]]*)\]\(([^)#]*)[^)]*\)/g, (_, label: string, page: string) =>
      label === page ? `docs/${page}` : `${label} (docs/${page})`,
    )
    .replaceAll('`', '')
    .replaceAll(/\s+/g, ' ');
}
