import { createHash } from 'node:crypto';
import type { PageContent } from './page-content.ts';
import type { PageProgram } from './page-program.ts';
import { escaped } from './static-tables.ts';

/**
 * What a page may do, besides what its own script and style are: nothing. It asks no server for anything, so it cannot leak what
 * an image holds, and names of files that are markup would still run nothing. `trusted-types` leaves one door, the worker's.
 */
const NOTHING_ELSE =
  "worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types tsbuild-worker";

/** The policy of a page whose parts lie beside it. */
export const POLICY_OF_PARTS = `default-src 'none'; script-src 'self'; style-src 'self'; ${NOTHING_ELSE}`;

/** The files of a page beside each other, by their names. */
export type PageParts = Readonly<Record<'index.html' | 'page.js' | 'page.css' | 'data.js', string>>;

/** A page in one file. */
export function pageFile(content: PageContent, { script, style }: PageProgram): string {
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; ${NOTHING_ELSE}`;
  return document(content, policy, {
    head: `<style>${style}</style>`,
    end: [
      `<script type="application/octet-stream" id="summary">${content.summary}</script>`,
      `<script type="application/octet-stream" id="entries">${content.entries}</script>`,
      `<script>${script}</script>`,
    ].join('\n'),
  });
}

/**
 * The same in several files, for servers whose policy allows no script in the page. The data is a script, too: pages of
 * `file:` may not read other files in any other way.
 */
export function pageParts(content: PageContent, { script, style }: PageProgram): PageParts {
  return {
    'index.html': document(content, POLICY_OF_PARTS, {
      head: '<link rel="stylesheet" href="page.css">',
      end: '<script src="data.js"></script>\n<script src="page.js"></script>',
    }),
    'page.js': script,
    'page.css': style,
    'data.js': `globalThis.tsbuildExplorer={summary:"${content.summary}",entries:"${content.entries}"};\n`,
  };
}

function document(
  { title, tables }: PageContent,
  policy: string,
  parts: { readonly head: string; readonly end: string },
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
${parts.head}
</head>
<body>
<main id="tables">
${tables}
</main>
${parts.end}
</body>
</html>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
