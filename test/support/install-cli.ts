import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PROJECT } from '../../fuzz/project.ts';
import { output } from './process.ts';

/** Puts the command, bundled from today's source, where every user can read it, with the one module that stays outside. */
export async function installCli(cli: string): Promise<void> {
  await output(process.execPath, [join(PROJECT, 'scripts/bundle.mjs')]);
  await mkdir(dirname(cli), { recursive: true });
  for (const name of ['main.js', 'program.js', 'file-thread.js', 'package.json']) {
    await cp(join(PROJECT, 'packages/cli/dist', name), join(dirname(cli), name));
  }
  for (const module of ['koffi', '@koromix']) {
    const source = join(PROJECT, 'node_modules', module);
    if (existsSync(source)) await cp(source, join(cli, '../../node_modules', module), { recursive: true });
  }
  await cp(join(PROJECT, 'packages/cli/package.json'), join(cli, '../../package.json'));
}
