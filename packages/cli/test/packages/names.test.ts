import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const PROJECT = join(import.meta.dirname, '../../../..');
const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.tsbuild', '.turbo', 'coverage']);

/** Ways to install or run a package that is called `tsbuild`: somebody else's, on npm. `@tsbuild/cli` is ours. */
const OTHERS = new RegExp(
  '\\b(?:npx|npm exec|npm x|pnpx|pnpm dlx|yarn dlx|bunx|(?:npm|pnpm) (?:install|i|add)|yarn (?:global )?add)' +
    '(?: --)?(?: -{1,2}[\\w-]+(?:=\\S*)?)* tsbuild(?![\\w/-])',
);

function textsIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return textsIn(path);
    return entry.isFile() && /\.(?:ts|mts|mjs|cjs|js|md|json|ya?ml|toml|sh|html|snap)$|^[A-Z]\w*$/.test(entry.name)
      ? [path]
      : [];
  });
}

it.each([
  ['np'.concat('x tsbuild build .'), true],
  ['np'.concat('x --yes tsbuild@1 build .'), true],
  ['npm'.concat(' install -g tsbuild'), true],
  ['npx @tsbuild/cli build .', false],
  ['npm install -g @tsbuild/cli', false],
  ['npm install tsbuild-helper', false],
])('%j names a package of others: %j', (text, expected) => {
  expect(OTHERS.test(text)).toBe(expected);
});

it('nothing of ours tells people to run the package `tsbuild` of somebody else', () => {
  const files = textsIn(PROJECT);
  expect(files.length).toBeGreaterThan(1000);
  const found = files.filter((path) => OTHERS.test(readFileSync(path, 'utf8')));
  expect(found.map((path) => relative(PROJECT, path))).toEqual([]);
});
