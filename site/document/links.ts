import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { MarkdownDocument } from './document.ts';

/** What is wrong at a place, as `file:line: why`. */
export type Problem = string;

/** Where a link leads inside the repository: a path, and the heading behind `#`, if there is one. */
export interface Target {
  readonly path: string;
  readonly anchor: string | undefined;
}

/** Whether an address is another site's (or a mail's): those are not looked at, a build needs no network. */
export function isExternal(address: string): boolean {
  return /^[a-z][a-z0-9+.-]*:|^\/\//i.test(address);
}

/** What an address of a document means. @returns undefined for one of another site */
export function targetOf(from: string, address: string): Target | undefined {
  if (isExternal(address)) return undefined;
  const [path = '', anchor] = decodeURI(address).split('#', 2);
  return { path: path === '' ? from : posix.normalize(posix.join(posix.dirname(from), path)), anchor };
}

/**
 * What is wrong with these documents: links to a file that is not there, outside of the repository, or to a heading that its
 * document does not have; and markup, of which GitHub shows nothing.
 */
export function documentProblems(project: string, documents: readonly MarkdownDocument[]): readonly Problem[] {
  const known = new Map(documents.map((document) => [document.path, document]));
  return documents.flatMap(({ path, links, html }) => [
    ...html.map(({ target, line }) => `${path}:${line}: ${target} is read as HTML: write it as code`),
    ...links.flatMap(({ target: address, line }) => {
      const why = whyBroken(project, known, targetOf(path, address));
      return why === undefined ? [] : [`${path}:${line}: ${address}: ${why}`];
    }),
  ]);
}

function whyBroken(
  project: string,
  known: ReadonlyMap<string, MarkdownDocument>,
  target: Target | undefined,
): string | undefined {
  if (target === undefined) return undefined;
  const { path, anchor } = target;
  if (path.startsWith('../') || path.startsWith('/')) return 'leads out of the repository';
  if (!existsSync(join(project, path))) return `there is no ${path}`;
  if (anchor === undefined) return undefined;
  const document = known.get(path);
  if (document === undefined) return `${path} is no document with headings`;
  return document.has(anchor) ? undefined : `${path} has no heading #${anchor}`;
}
