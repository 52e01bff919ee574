import { JOIN_ATTACK } from '../../packages/builder/testing/join-attack.ts';
import { ModeCommand } from './mode-command.ts';
import type { Mode } from './modes.ts';

const NAME = 'looks-at-joins';

/** Everything that comes into a container, or looks into it. Single-id containers have no other users. */
const JOINS: readonly (readonly string[])[] = [
  ['exec', NAME, 'true'],
  ['exec', '-u', '1000', NAME, 'true'],
  ['exec', '-t', NAME, 'true'],
  ['exec', '-t', '-u', '1000', NAME, 'true'],
  ['exec', '-w', '/proc/self/cwd', NAME, 'nothing-like-this'],
  ['top', NAME],
  ['cp', `${NAME}:/attack`, '-'],
  ['exec', '-e', 'A=b', NAME, 'sh', '-c', 'exec true'],
];
const ROUNDS = 3;

/**
 * Runs a container whose program looks into everything that joins it, and joins it many times.
 * @returns what it got at; nothing when all joins were closed to it
 * @throws Error when it did not look
 */
export async function tryJoins(mode: Mode, base: string): Promise<readonly string[]> {
  const tsbuild = new ModeCommand(mode);
  const context = tsbuild.context(NAME, {
    attack: JOIN_ATTACK,
    // Process 1 cannot be stopped by what is in its namespace: it has to be another one that looks. The container ends when its
    // input does, so that nothing goes on looking when this program is killed.
    Dockerfile: `FROM ${base}\nCOPY attack /\nCMD ["/bin/sh", "-c", "sh /attack </dev/null & read line; exit"]\n`,
  });
  await tsbuild.output(['build', '-q', '-t', NAME, context]);
  await using container = tsbuild.start(['run', '--rm', '-i', '--name', NAME, NAME]);
  try {
    await container.says('looking\n');
    const joins = mode.name === 'user, single id' ? JOINS.filter((words) => !words.includes('1000')) : JOINS;
    for (let round = 0; round < ROUNDS; round++) for (const words of joins) await tsbuild.run(words);
    return container
      .said()
      .split('\n')
      .filter((line) => line.startsWith('escaped'));
  } finally {
    await tsbuild.output(['rm', '-f', NAME]);
  }
}
