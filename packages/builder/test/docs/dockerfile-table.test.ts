import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const DOCUMENT = fileURLToPath(new URL('../../../../docs/dockerfile.md', import.meta.url));
const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url));
const text = readFileSync(DOCUMENT, 'utf8');

interface Row {
  readonly item: string;
  readonly verdict: string;
  readonly note: string;
  readonly proofs: string;
}

/** The rows of all tables; a `|` within backquotes would end a cell, so there is none. */
const rows: readonly Row[] = text.split('\n').flatMap((line): Row[] => {
  const cells = /^\| (.*) \|$/
    .exec(line)?.[1]
    ?.split(' | ')
    .map((cell) => cell.trim());
  if (cells === undefined || cells[0] === 'item' || cells[0] === '---') return [];
  const [item = '', verdict = '', note = '', proofs = ''] = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
  return [{ item, verdict, note, proofs }];
});

const links = new Map(
  [...text.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map(([, name = '', path = '']) => [
    name,
    join(dirname(DOCUMENT), path),
  ]),
);

/** `[link] "title", "title"; [link] `folder`` → pairs of a link and what must be there. */
function claims(proofs: string): { readonly link: string; readonly wanted: readonly string[] }[] {
  return [...proofs.matchAll(/\[([^\]]+)\]((?:,? ?(?:"(?:[^"])*"|`[^`]*`))*)/g)].map(([, link = '', list = '']) => ({
    link,
    wanted: [...list.matchAll(/"([^"]*)"|`([^`]*)`/g)].map(([, title, folder]) => title ?? folder ?? ''),
  }));
}

/** What of the wanted is not where the link leads. */
function missing(link: string, wanted: readonly string[]): string[] {
  const path = links.get(link);
  if (path === undefined || !existsSync(path)) return [`[${link}] leads nowhere`];
  if (wanted.length === 0) return [`[${link}] names nothing in it`];
  if (statSync(path).isDirectory()) return wanted.filter((folder) => !existsSync(join(path, folder, 'Dockerfile')));
  const content = readFileSync(path, 'utf8');
  const begins = path.endsWith('.ts')
    ? (title: string): boolean => ["'", '"', '`'].some((quote) => content.includes(quote + title))
    : (title: string): boolean => content.split('\n').includes(title);
  return wanted.filter((title) => !begins(title));
}

describe('docs/dockerfile.md', () => {
  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(80);
  });

  it.each(rows)('$item: $verdict', ({ verdict, note, proofs }) => {
    expect(['same', 'better', 'not']).toContain(verdict);
    const found = claims(proofs);
    expect(verdict === 'same' || note !== '', 'a reason, or what is better').toBe(true);
    expect(verdict === 'not' || found.length > 0, 'a test').toBe(true);
    expect(found.flatMap(({ link, wanted }) => missing(link, wanted))).toEqual([]);
    // Nothing in the cell may escape the check.
    expect(proofs.replaceAll(/\[[^\]]+\]|"[^"]*"|`[^`]*`|[;, ]/g, '')).toBe('');
  });

  it('leads nowhere that is not there, and has no link that nobody uses', () => {
    const used = new Set(claims(text).map(({ link }) => link));
    expect([...links.keys()].filter((link) => !used.has(link))).toEqual([]);
    expect([...links].filter(([, path]) => !existsSync(path))).toEqual([]);
  });

  const mentioned = (word: string): boolean =>
    rows.some(({ item }) => item.includes(`\`${word}`) || item.includes(word));

  it('names every instruction that the parser knows', () => {
    const table = /const PARSERS.*= \{([^}]*)\}/.exec(source('dockerfile/parse-instruction.ts'))?.[1] ?? '';
    const names = [...table.matchAll(/(\w+):/g)].map(([, name = '']) => name.toUpperCase());
    expect(names).toContain('FROM');
    expect(names.filter((name) => !mentioned(name))).toEqual([]);
  });

  it('names every flag that the parser knows', () => {
    const files = ['parse-command.ts', 'parse-copy.ts', 'parse-instruction.ts'].map((name) =>
      source(`dockerfile/${name}`),
    );
    const flags = [...files.join('\n').matchAll(/'?([a-z-]+)'?: '(?:bool|value|list)'/g)].map(([, name = '']) => name);
    expect(flags).toEqual(expect.arrayContaining(['chown', 'keep-git-dir', 'start-interval']));
    expect(flags.filter((name) => !mentioned(`--${name}`))).toEqual([]);
  });

  it('names every option of a mount that the planner knows', () => {
    const list = /const KEYS = \[([^\]]+)\]/.exec(source('plan/run-mount-flag.ts'))?.[1] ?? '';
    const keys = [...list.matchAll(/'([a-z]+)'/g)].map(([, name = '']) => name);
    expect(keys).toContain('sharing');
    const items = rows
      .filter(({ item }) => item.includes('--mount'))
      .map(({ item }) => item)
      .join(' ');
    expect(keys.filter((key) => !items.includes(`\`${key}\``))).toEqual([]);
  });
});

function source(path: string): string {
  return readFileSync(join(SOURCES, path), 'utf8');
}
