import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Programs that use the library have no command line: what to do there is said by the command. */
it('no message advises commands or flags of the command line', () => {
  const source = join(import.meta.dirname, '../src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const found = files.flatMap((name) => {
    const text = readFileSync(join(source, name), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
    const literals = [...text.matchAll(/'[^'\n]*'|`[^`]*`/g)].map(([literal]) => literal);
    const advice = literals.filter((each) =>
      /\btsbuild (?:[a-z]+\b|or\b)|TSBUILD_|\b(?:use|with|another|or) --[a-z]/.test(each),
    );
    return advice.map((each) => `${name}: ${each}`);
  });
  expect(files.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});
