import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JOIN_ATTACK } from '../../packages/builder/testing/join-attack.ts';
import { output, run } from '../../test/support/process.ts';
import type { Mode } from './modes.ts';

const NAME = 'looks-at-joins';
const JOINS = 12;

/**
 * Runs a container whose program looks into everything that joins it, and joins it many times.
 * @returns what it got at; nothing when all joins were closed to it
 * @throws Error when it did not look, or a join failed
 */
export async function tryJoins(mode: Mode, base: string): Promise<readonly string[]> {
  const context = join(mode.folder, NAME);
  mkdirSync(context, { mode: 0o755 });
  writeFileSync(join(context, 'attack'), JOIN_ATTACK, { mode: 0o644 });
  // Process 1 cannot be stopped by what is in its namespace: it has to be another one that looks.
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${base}\nCOPY attack /\nCMD ["/bin/sh", "-c", "sh /attack; exit"]\n`,
  );
  const tsbuild = (args: readonly string[]): Promise<string> => {
    const [program, words] = mode.command(args);
    return output(program, words, { env: mode.env, timeout: 120_000 });
  };
  await tsbuild(['build', '-q', '-t', NAME, context]);
  await tsbuild(['run', '-d', '--name', NAME, NAME]);
  try {
    for (let i = 0; i < JOINS; i++) {
      const identity = i % 3 === 1 && mode.name !== 'user, single id' ? ['-u', '1000'] : [];
      const [program, words] = mode.command(['exec', ...identity, NAME, 'true']);
      await run(program, words, { env: mode.env, timeout: 30_000 });
    }
    const said = (await tsbuild(['logs', NAME])).split('\n');
    if (!said.includes('looking')) throw new Error(`${mode.name}: the container did not look: ${said.join('\n')}`);
    return said.filter((line) => line.startsWith('escaped'));
  } finally {
    await tsbuild(['rm', '-f', NAME]);
  }
}
