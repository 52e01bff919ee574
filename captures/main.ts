import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT } from '../fuzz/project.ts';
import { installCli } from '../test/support/install-cli.ts';
import { output } from '../test/support/process.ts';
import { DOCUMENT, readDocument, withScreens } from './document.ts';
import { SCENES } from './scenes.ts';

/** Plays every scene and puts its screens under its heading. @returns the exit code */
export async function run(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-captures-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const cli = join(folder, 'bin/dist/main.js');
  await installCli(cli);
  const env = { HOME: folder, PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' };
  const made = await output(process.execPath, [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', 'busybox']);
  const load = ['load', '-q', '-i', made.trim().split('\t')[1] ?? ''];
  let document = readDocument();
  for (const [number, scene] of SCENES.entries()) {
    process.stdout.write(`${scene.title} …\n`);
    const own = { ...env, TSBUILD_ROOT: join(folder, `store-${number}`) };
    await output(process.execPath, [cli, ...load], { env: own });
    const screens = await scene.play({ folder, command: [process.execPath, cli], env: own });
    document = withScreens(document, scene.title, screens);
  }
  writeFileSync(DOCUMENT, document);
  return 0;
}
