import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from '../test/support/process.ts';
import { PROJECT } from './project.ts';

/** What the cases start from, as fixtures/bases/make.mjs calls them. */
const BASES = ['conformance-base', 'conformance-rich', 'conformance-onbuild'];

/** The names under which builders have them. */
export const BASE_NAMES: readonly string[] = ['conformance/base', 'conformance/rich', 'conformance/onbuild'];

/** Makes the base images. @returns their archives, in the order of {@link BASE_NAMES} */
export async function makeBases(): Promise<readonly string[]> {
  const script = join(PROJECT, 'fixtures/bases/make.mjs');
  const made = await output(process.execPath, [script, '--only', BASES.join()], { timeout: 300_000 });
  return made
    .trim()
    .split('\n')
    .map((line) => line.split('\t')[1] ?? '');
}

/** Bundles the command from today's source. @returns its path, in `folder` */
export async function bundleCli(folder: string): Promise<string> {
  await output(process.execPath, [join(PROJECT, 'scripts/bundle.mjs')]);
  const copy = join(folder, 'cli');
  await mkdir(copy, { recursive: true });
  await output('cp', ['-r', join(PROJECT, 'packages/cli/dist'), join(PROJECT, 'packages/cli/package.json'), copy]);
  // The one module that stays outside of the bundle is found from here.
  await output('ln', ['-s', join(PROJECT, 'node_modules'), join(copy, 'node_modules')]);
  return join(copy, 'dist/main.js');
}
