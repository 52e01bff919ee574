import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { BuildError } from '../diagnostics/build-error.ts';
import { endingWithUs } from './death-signal.ts';
import { requireTool } from './host-tools.ts';
import { readIdMaps } from './id-map.ts';
import { kernelSetting } from './procfs/kernel-setting.ts';
import { missingForRanges, withRanges } from './subordinate-ids.ts';

/** Set in the process that runs inside the user namespace: `mapped` with ranges of ids, `single` with one id. */
const MARK = 'TSBUILD_USERNS';

/** A program to start in this one's place. */
export interface UserNamespaceCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What the mode lacks, one line for people; undefined when nothing. */
  readonly warning?: string;
}

/** True when this process is an ordinary user, who needs a user namespace before anything can be run or unpacked. */
export function needsUserNamespace(): boolean {
  return process.geteuid?.() !== 0;
}

/**
 * True when {@link userNamespaceCommand} started this process. Anybody can set the variable, so the kernel is asked too: what is
 * meant for our namespace must not be done to the machine.
 */
export function isInUserNamespace(): boolean {
  return process.env[MARK] !== undefined && readIdMaps().nested;
}

/**
 * How to run `argv` once more as uid 0 of a new user namespace, with the user's subordinate ids when there are any
 * (subuid(5)), else with the one id. The program is not a child but takes the place of what is started, so signals reach
 * it, and it dies with this process.
 * @throws BuildError `SANDBOX_UNAVAILABLE` when this machine forbids it
 */
export function userNamespaceCommand(argv: readonly string[]): UserNamespaceCommand {
  refuseForbidden();
  const lacking = missingForRanges();
  const [command, args] = endingWithUs([
    requireTool('unshare'), ...(lacking === undefined ? withRanges : ['--user', '--map-root-user']),
    '--mount', '--propagation', 'private', '--', ...argv,
  ]); // biome-ignore format: one program a line
  return {
    command,
    args,
    env: { ...process.env, [MARK]: lacking === undefined ? 'mapped' : 'single' },
    ...(lacking === undefined
      ? {}
      : {
          warning: `only one user id is available (${lacking}): files of other owners become root's, and su, chown and apt-get fail`,
        }),
  };
}

/**
 * The same in the user namespace of process `pid`, which this user made: whoever is root in another one cannot see what
 * its processes see. No mount namespace comes with it.
 */
function joinUserNamespaceCommand(argv: readonly string[], pid: number): UserNamespaceCommand {
  const [command, args] = endingWithUs([
    requireTool('nsenter'), `--user=/proc/${pid}/ns/user`, '--preserve-credentials', '--', ...argv,
  ]); // biome-ignore format: one program a line
  return { command, args, env: { ...process.env, [MARK]: missingForRanges() === undefined ? 'mapped' : 'single' } };
}

/**
 * Runs `argv` in a user namespace with this process's descriptors, passes signals on, and gives the exit code to leave
 * with. `warn` is told what the mode lacks. With `join` it is the namespace of that process, else a new one.
 * @throws BuildError `SANDBOX_UNAVAILABLE`
 */
export async function runInUserNamespace(
  argv: readonly string[],
  warn: (text: string) => void,
  join?: number,
): Promise<number> {
  // In a container, whose filter may forbid it, a helper would be left with our own output open (see explainUserNamespaces).
  if (join === undefined && isFiltered()) explainUserNamespaces();
  const { command, args, env, warning } =
    join === undefined ? userNamespaceCommand(argv) : joinUserNamespaceCommand(argv, join);
  if (warning !== undefined) warn(warning);
  const started = performance.now();
  const child = spawn(command, args, { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to both of us; what only we get must be passed on, and we stay until the other has ended.
  const interactive = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const forward = (signal: NodeJS.Signals) => (): void => {
    if (signal !== 'SIGINT' || !interactive) child.kill(signal);
  };
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => [signal, forward(signal)] as const);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
    if (exitCode !== 0 && join === undefined && performance.now() - started < 500) explainUserNamespaces();
    return exitCode;
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}

/**
 * Forbids namespaces inside ours: a RUN step has no use for them, and they are the way to most kernel faults. Does
 * nothing outside a namespace that we made.
 */
export function blockNestedUserNamespaces(): void {
  if (!isInUserNamespace() || process.geteuid?.() !== 0) return;
  try {
    writeFileSync('/proc/sys/user/max_user_namespaces', '0');
  } catch {
    // A read-only /proc/sys (we are in a container): its own limits hold.
  }
}

/**
 * Tries to make a user namespace with nothing inside.
 * @throws BuildError `SANDBOX_UNAVAILABLE` saying why there can be none
 */
export function explainUserNamespaces(): void {
  refuseForbidden();
  // Without ranges first: where the kernel refuses, `unshare --map-auto` (util-linux 2.38) leaves a helper behind that waits for
  // ever, with our pipes open.
  const plain = spawnSync(requireTool('unshare'), ['--user', '--map-root-user', '--', '/bin/sh', '-c', ':'], {
    encoding: 'utf8',
  });
  if (plain.status !== 0) throw forbidden(plain.stderr.trim().split('\n')[0] ?? '');
  const { command, args } = userNamespaceCommand(['/bin/sh', '-c', ':']);
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw forbidden(stderr.trim().split('\n')[0] ?? '');
}

const SWITCHES: readonly { readonly path: string; readonly off: string; readonly hint: string }[] = [
  { path: '/proc/sys/user/max_user_namespaces', off: '0', hint: 'Allow them: sysctl user.max_user_namespaces=15000.' },
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone',
    off: '0',
    hint: 'Allow them: sysctl kernel.unprivileged_userns_clone=1.',
  },
];

function refuseForbidden(): void {
  const found = forbiddenUserNamespaces();
  if (found === undefined) return;
  throw new BuildError(
    'SANDBOX_UNAVAILABLE',
    `this machine allows no user namespaces (${found.path} is ${found.off})`,
    { hint: found.hint },
  );
}

/** The kernel's switch that forbids user namespaces; undefined when none does. */
export function forbiddenUserNamespaces():
  | { readonly path: string; readonly off: string; readonly hint: string }
  | undefined {
  return SWITCHES.find(({ path, off }) => kernelSetting(path) === off);
}

/** Ubuntu's restriction of user namespaces to programs that have a profile for them. */
export function restrictedByAppArmor(): boolean {
  return kernelSetting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1';
}

/** Whether a seccomp filter is active in this process. */
export function isFiltered(): boolean {
  return /^Seccomp:\s*2/m.test(kernelSetting('/proc/self/status') ?? '');
}

function forbidden(said: string): BuildError {
  return new BuildError('SANDBOX_UNAVAILABLE', `cannot make a user namespace: ${said}`, {
    hint: restrictedByAppArmor()
      ? "Ubuntu's AppArmor restricts user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run as root."
      : 'Inside a container its seccomp profile may forbid it: run the container with --security-opt seccomp=unconfined, or run as root. Dockerfiles without RUN build anyway.',
  });
}
