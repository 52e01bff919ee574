import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { asUser, ordinaryUser } from '../../packages/builder/testing/ordinary-user.ts';
import { type Ended, run } from '../../test/support/process.ts';
import { ModeCommand } from './mode-command.ts';
import type { Mode } from './modes.ts';

/** Runs a shell script as a user of the machine who is not the one of this mode. */
export function asStranger(mode: Mode, script: string, ...words: readonly string[]): Promise<Ended> {
  const user = strangerOf(mode);
  return run('setpriv', [...asUser(user), 'sh', '-c', script, ...words]);
}

/** That user. */
export function strangerOf(mode: Mode): ReturnType<typeof ordinaryUser> {
  return ordinaryUser(mode.name === 'user, subuids' ? 'single' : 'subordinate');
}

/** Whether this program may become other users. */
export const CAN_BE_OTHERS = process.geteuid?.() === 0;

const DOCKERFILE = (base: string): string => `FROM ${base}
RUN cp /bin/true /su && chmod 4755 /su && echo PRIVATE >/key && chmod 600 /key && mkdir -m 777 /open && echo x >/open/x && chmod 666 /open/x
`;

/*
 * Set-user-id programs that can be reached are as bad as the right to execute them: what the image has in them is not known here.
 */
const LOOK = `find "$0" ! -type l \\( -perm -4001 -o -readable -o -writable \\) 2>/dev/null`;

/**
 * Another user of the machine looks for what can be read, changed or executed as its owner in a store that lies in a directory for
 * everybody, was open to them, and is used with a careless umask (CVE-2021-41091).
 * @returns what can be reached
 */
export async function tryStrangers(mode: Mode, base: string): Promise<readonly string[]> {
  if (!CAN_BE_OTHERS) return [];
  const tsbuild = new ModeCommand(mode);
  const store = join(mode.folder, 'store');
  const context = tsbuild.context('private', { Dockerfile: DOCKERFILE(base) });
  const found: string[] = [];
  for (const umask of ['000', '022']) {
    chmodSync(store, 0o755);
    const careless = (words: readonly string[]): readonly string[] => [
      'sh',
      '-c',
      `umask ${umask}; exec "$@"`,
      'sh',
      ...words,
    ];
    const name = `private-${umask}`;
    const build = ['build', '-q', '--no-cache', '-t', name, context];
    await tsbuild.output(build, careless);
    const keeps = 'cp -p /su /vol/su; cp -p /su /own; sleep 100';
    await tsbuild.output(['run', '-d', '--name', name, '-v', `${name}:/vol`, name, 'sh', '-c', keeps], careless);
    try {
      const { stdout } = await asStranger(mode, LOOK, store);
      const paths = stdout.split('\n').filter((line) => line !== '');
      found.push(...paths.slice(0, 5).map((path) => `umask ${umask}: ${path}`));
    } finally {
      await tsbuild.output(['rm', '-f', '-v', name]);
    }
  }
  return found;
}
