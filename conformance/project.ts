import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case } from './case.ts';
import { parseCases } from './case-file.ts';

/** The root of the workspace. */
export const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** Every case of `conformance/cases`, by area and in the order of their files. @throws SyntaxError for a malformed one */
export function readCases(): readonly Case[] {
  const folder = join(PROJECT, 'conformance/cases');
  const cases = readdirSync(folder)
    .filter((file) => file.endsWith('.txtar'))
    .toSorted()
    .flatMap((file) => parseCases(basename(file, '.txtar'), readFileSync(join(folder, file), 'utf8')));
  const names = new Set<string>();
  for (const { name, area } of cases) {
    if (names.has(name)) throw new SyntaxError(`${area}.txtar: there are two cases called ${name}`);
    names.add(name);
  }
  return cases;
}
