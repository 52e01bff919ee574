import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { asUser, ordinaryUser } from '../../packages/builder/testing/ordinary-user.ts';
import type { OrdinaryUser } from '../../packages/builder/testing/ordinary-user.ts';
import { output } from '../../test/support/process.ts';
import type { ModeName } from './probe.ts';

/** One way of running commands that this machine offers, with a store of its own. */
export interface Mode {
  readonly name: ModeName;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /**
   * How the command line of tsbuild is started; with things open that no command may get.
   * @param around words that start it as the user of the mode
   */
  command(args: readonly string[], around?: readonly string[]): readonly [string, readonly string[]];
}

/**
 * A new session keyring with the secret of the environment in it, the same in the user's keyring, for ten minutes, and then
 * the program. keyctl(2) 1 and 15, add_key(2).
 */
const WITH_KEY = `my $s = $ENV{HOSTILE_CANARY}; my ($t, $d) = ("user\\0", "canary\\0"); if ($^O eq "linux" and -e "/proc/keys") { syscall(250, 1, 0); for my $ring (-3, -4) { my $k = syscall(248, $t, $d, $s, length $s, $ring); syscall(250, 15, $k, 600); } } exec @ARGV;`;

/** What all modes have in common. */
export interface ModeOptions {
  readonly folder: string;
  readonly cli: string;
  /** A store with the base. */
  readonly seed: string;
  readonly canary: string;
  readonly secret: string;
}

/** The modes of this machine, and why others are not among them. */
export async function modes(
  options: ModeOptions,
): Promise<{ readonly offered: readonly Mode[]; readonly missing: readonly string[] }> {
  if (process.geteuid?.() !== 0) {
    return {
      offered: [await modeOf('user, subuids', undefined, options)],
      missing: ['the other modes are tried by root only'],
    };
  }
  const runc = ['/usr/sbin/runc', '/usr/bin/runc', '/usr/bin/crun'].some((path) => existsSync(path));
  const users = existsSync('/usr/bin/newuidmap');
  return {
    offered: [
      ...(runc ? [await modeOf('root, runc', undefined, options)] : []),
      await modeOf('root, util-linux', undefined, options),
      ...(users ? [await modeOf('user, subuids', ordinaryUser('subordinate'), options)] : []),
      await modeOf('user, single id', ordinaryUser('single'), options),
    ],
    missing: [
      ...(runc ? [] : ['root, runc: there is no runc']),
      ...(users ? [] : ['user, subuids: there is no newuidmap']),
    ],
  };
}

async function modeOf(name: ModeName, user: OrdinaryUser | undefined, options: ModeOptions): Promise<Mode> {
  const folder = join(options.folder, name.replaceAll(/\W+/g, '-'));
  mkdirSync(folder, { mode: 0o755 });
  await output('cp', ['-a', options.seed, join(folder, 'store')]);
  if (user !== undefined) await output('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  const isolation = name === 'root, runc' ? 'runc' : 'namespaces';
  const identity = user === undefined ? [] : ['setpriv', ...asUser(user)];
  const keyed = existsSync('/usr/bin/perl') ? ['perl', '-e', WITH_KEY] : [];
  return {
    name,
    folder,
    env: { TSBUILD_ROOT: join(folder, 'store'), HOME: folder, HOSTILE_CANARY: options.secret },
    command: ([verb = '', ...rest], around = []) => [
      'sh',
      ['-c', `exec 9<"$0/secret.txt" 8<"$0"; exec "$@"`, options.canary, ...identity, ...around, ...keyed, process.execPath, options.cli, verb,
        ...(verb === 'build' || verb === 'run' ? ['--isolation', isolation] : []), ...rest],
    ], // biome-ignore format: one program a line
  };
}
