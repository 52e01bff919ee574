import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCUMENT = readFileSync(`${PROJECT}docs/security.md`, 'utf8');

/** `` `path/of.test.ts`: the beginning of a title ``, up to the end of a cell or a bracket. */
const NAMED = [...DOCUMENT.matchAll(/`([\w/-]+(?:\.test)?\.ts)`: ([^|\n]+?)(?:\)\.?)?(?: \|)?\n/g)].map(
  ([, path = '', title = '']) => [path, title.trim()] as const,
);

it('docs/security.md names tests', () => {
  expect(NAMED.length).toBeGreaterThan(18);
  for (const row of DOCUMENT.split('\n').filter((line) => line.startsWith('| ') && line.includes('.ts`'))) {
    expect(
      NAMED.some(([path]) => row.includes(path)),
      row,
    ).toBe(true);
  }
});

it.each(NAMED)('%s: %s', (path, title) => {
  expect(existsSync(PROJECT + path)).toBe(true);
  const plain = (text: string): string => text.replaceAll(/[\\'"]/g, '').replaceAll(/\s+/g, ' ');
  expect(plain(readFileSync(PROJECT + path, 'utf8'))).toContain(plain(title.replace(/\($/, '')));
});
