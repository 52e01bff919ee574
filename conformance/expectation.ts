import { createHash } from 'node:crypto';
import type { Expectation } from './case.ts';
import { sorted } from './compare.ts';
import type { FileFacts, ImageFacts, Tree } from './image-facts.ts';

/** What of the literal expectation an image does not meet. `baseLayers` and `baseRows` are those of its base. */
export function unmet(expected: Expectation, image: ImageFacts, base: ImageFacts | undefined): readonly string[] {
  const problems: string[] = [];
  const compare = (what: string, wanted: readonly string[], got: readonly string[]): void => {
    const missing = wanted.filter((line) => !got.includes(line));
    const surplus = got.filter((line) => !wanted.includes(line));
    if (missing.length > 0 || surplus.length > 0)
      problems.push(`expected ${what}: missing ${JSON.stringify(missing)}, surplus ${JSON.stringify(surplus)}`);
    else if (wanted.join('\n') !== got.join('\n')) problems.push(`expected ${what}: another order: ${got.join(' | ')}`);
  };
  if (expected.tree !== undefined) {
    const wanted = expected.tree.map(normalized).toSorted();
    const said = new Map(wanted.map((line) => [pathOf(line), line]));
    compare('tree', wanted, newEntries(image.tree, base?.tree ?? new Map(), said).toSorted());
  }
  if (expected.history !== undefined) {
    const rows = (image.config.history ?? []).slice(base?.config.history?.length ?? 0);
    const shown = rows.map(({ created_by = '' }) => created_by.replaceAll('\n', '\\n'));
    compare('history', expected.history, shown);
  }
  const config: Record<string, unknown> = { ...image.config.config, author: image.config.author };
  for (const [field, value] of Object.entries(expected.config ?? {})) {
    const [wanted, got] = [JSON.stringify(sorted(value)), JSON.stringify(sorted(config[field] ?? null))];
    if (wanted !== got) problems.push(`expected config.${field}: ${wanted}, got ${got}`);
  }
  return problems;
}

/** What the new layers left: `d 0755 0:0 app`, `f 0644 0:0 app/a "text"`, `l app/b -> a`, `h app/c = app/a`. */
function newEntries(tree: Tree, base: Tree, said: ReadonlyMap<string, string>): string[] {
  const firsts = new Map<FileFacts, string>();
  return [...tree]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, facts]) => {
      const before = base.get(path);
      if (before !== undefined && isSame(before, facts)) return [];
      const first = firsts.get(facts);
      firsts.set(facts, first ?? path);
      if (first !== undefined && facts.type === 'file') return [`h ${path} = ${first}`];
      return [lineOf(path, facts, said.get(path) ?? '')];
    });
}

const LETTERS = { file: 'f', directory: 'd', symlink: 'l', char: 'c', block: 'b', fifo: 'p', hardlink: 'h' } as const;

/** Content and time are shown where the expectation says something about them. */
function lineOf(path: string, facts: FileFacts, wanted: string): string {
  if (facts.type === 'symlink') return `l ${path} -> ${facts.link}`;
  const mode = facts.mode.toString(8).padStart(4, '0');
  const [, content] = / ("(?:[^"\\]|\\.)*")(?: @\d+)?$/.exec(wanted) ?? [];
  const sum =
    content === undefined
      ? undefined
      : createHash('sha256')
          .update(JSON.parse(content) as string)
          .digest('hex');
  const shown = content === undefined ? '' : sum === facts.content ? ` ${content}` : ` (sha256 ${facts.content})`;
  return `${LETTERS[facts.type]} ${mode} ${facts.owner} ${path}${shown}${/ @\d+$/.test(wanted) ? ` @${facts.mtime}` : ''}`;
}

function isSame(before: FileFacts, now: FileFacts): boolean {
  const fields = Object.keys(now) as (keyof FileFacts)[];
  return fields.every((field) => before[field] === now[field] || (field === 'mtime' && now.type === 'directory'));
}

function pathOf(line: string): string {
  return /^(?:[dfcbp] \d+ \d+:\d+|[lh]) (.+?)(?: -> .*| = .*| "(?:[^"\\]|\\.)*")?(?: @\d+)?$/.exec(line)?.[1] ?? '';
}

function normalized(line: string): string {
  if (pathOf(line) === '') throw new SyntaxError(`not a line of a tree: ${line}`);
  return line.trim();
}
