import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The root of the workspace. */
export const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** The Dockerfile of every folder under `fixtures/<name>`. */
export function fixtureDockerfiles(name: string): readonly Uint8Array[] {
  const root = `${PROJECT}fixtures/${name}`;
  return readdirSync(root)
    .toSorted()
    .map((folder) => readFileSync(`${root}/${folder}/Dockerfile`));
}

/** The ignore files of `fixtures/ignore/rules.txt`: the lines behind bars, case by case. */
export function fixtureIgnoreFiles(): readonly Uint8Array[] {
  const cases = readFileSync(`${PROJECT}fixtures/ignore/rules.txt`, 'utf8').split(/^== .*$/m);
  return cases
    .map((text) => [...text.matchAll(/^\| ?(.*)$/gm)].map(([, line]) => line).join('\n'))
    .filter((text) => text !== '')
    .map((text) => Buffer.from(text));
}
