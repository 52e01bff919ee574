import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/**
 * One test per folder under `fixtures/<name>`: what `render` makes of its Dockerfile must equal the golden beside it.
 * `UPDATE_GOLDENS=1` writes the goldens anew. A golden without a Dockerfile fails, and so does the reverse.
 */
export function describeGoldens(name: string, golden: string, render: (dockerfile: string) => string): void {
  const root = new URL(`../../../../fixtures/${name}/`, import.meta.url);
  const update = process.env['UPDATE_GOLDENS'] === '1';
  const cases = readdirSync(root);

  describe(`fixtures/${name}`, () => {
    it('holds at least 50 cases', () => {
      expect(cases.length).toBeGreaterThanOrEqual(50);
    });

    it.each(cases)('%s', (folder) => {
      const path = new URL(`${folder}/${golden}`, root);
      const actual = render(readFileSync(new URL(`${folder}/Dockerfile`, root), 'utf8'));
      if (update) writeFileSync(path, actual);
      expect(actual).toBe(
        existsSync(path) ? readFileSync(path, 'utf8') : `${golden} is missing, UPDATE_GOLDENS=1 writes it`,
      );
    });
  });
}
