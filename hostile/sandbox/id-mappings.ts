import { join } from 'node:path';
import { output } from '../../test/support/process.ts';
import { ModeCommand } from './mode-command.ts';
import type { Mode } from './modes.ts';

/** Namespaces as tsbuild makes them: with one id alone, and with the user's subordinate ids, as after the `usermod` that it advises. */
const MAPPINGS = { single: [], range: ['--map-auto'] } as const;

/** The owner that a command sees of a file whose owner is 33. */
const SEEN = { single: '0', range: '33' } as const;

/**
 * One store under two mappings of user ids, in both orders: owners as they were seen under one must not be taken for those of the
 * other, from the cache or without it. Only a user with subordinate ids has both.
 * @returns the owners that were wrong
 */
export async function tryIdMappings(mode: Mode, base: string): Promise<readonly string[]> {
  if (mode.name !== 'user, subuids') return [];
  const tsbuild = new ModeCommand(mode);
  const text = `FROM ${base}\nCOPY --chown=33:33 f /f\nRUN stat -c %u /f >/seen\nRUN cp -p /f /copied\n`;
  const context = tsbuild.context('owners', { f: 'x', Dockerfile: text });
  const found: string[] = [];
  for (const order of [
    ['single', 'range', 'single'],
    ['range', 'single', 'range'],
  ] as const) {
    const store = join(mode.folder, `store-${order[0]}-first`);
    await output('cp', ['-a', join(mode.folder, 'store'), store]);
    for (const [i, mapping] of order.entries()) {
      const as = (...args: readonly string[]): Promise<string> => {
        const own = ['unshare', '--user', '--map-root-user', ...MAPPINGS[mapping], '--mount', '--'];
        const [program, words] = mode.command(args, own);
        return output(program, words, { env: { ...mode.env, TSBUILD_ROOT: store } });
      };
      for (const cache of ['cached', 'no-cache']) {
        await as('build', '-q', '-t', 'owners', ...(cache === 'cached' ? [] : ['--no-cache']), context);
        const seen = await as('run', '--rm', 'owners', 'sh', '-c', 'cat /seen; stat -c %u /f /copied');
        if (new Set([...seen.trim().split('\n'), SEEN[mapping]]).size === 1) continue;
        found.push(
          `${order.slice(0, i + 1).join(', ')}, ${cache}: ${seen.trim().replaceAll('\n', ' ')}, not ${SEEN[mapping]}`,
        );
      }
    }
  }
  return found;
}
