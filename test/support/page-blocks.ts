import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lab } from './lab.ts';
import { run, SEARCH_PATH } from './process.ts';

/** What one block of a page did. */
export interface Shown {
  readonly code: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the `sh` blocks of a page in order, as somebody does who copies them: in a new directory, with `tsbuild` in the PATH. */
export async function runBlocks(
  page: string,
  place: { readonly folder: string; readonly store: string },
): Promise<{ readonly cwd: string; readonly shown: readonly Shown[] }> {
  const cwd = join(place.folder, 'project');
  const bin = join(place.folder, 'bin');
  for (const path of [cwd, bin]) await mkdir(path);
  await writeFile(join(bin, 'tsbuild'), `#!/bin/sh\nexec '${process.execPath}' '${lab.cli}' "$@"\n`);
  await chmod(join(bin, 'tsbuild'), 0o755);
  const env = { PATH: `${bin}:${SEARCH_PATH}`, TSBUILD_ROOT: place.store };
  const shown: Shown[] = [];
  for (const [, code = ''] of (await readFile(page, 'utf8')).matchAll(/^```sh\n([^]*?)^```$/gm)) {
    const ended = await run('bash', ['-e', '-o', 'pipefail', '-c', code], { cwd, env });
    shown.push({ code, ...ended });
  }
  return { cwd, shown };
}
