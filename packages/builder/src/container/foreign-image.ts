import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { formatPlatform, normalizePlatform, type Platform, samePlatform } from '@tsbuild/oci';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { hostPlatform } from '@tsbuild/oci/node';
import type { Runnable } from '../emulation/runnable.ts';
import type { RunningCommand, RunOutput, RunResult, RunSpec } from '../executor/executor.ts';
import { requireTool } from '../executor/host-tools.ts';
import type { Store } from '../store/store.ts';

/** How the commands of an image run on this machine; by an emulator only until it is disposed, or this process ends. */
export interface ImageEmulation extends Disposable {
  readonly runnable: Exclude<Runnable, { kind: 'not' }>;
}

/**
 * Tries how commands of an image for this platform run: by the processor, by the machine's binfmt_misc or by one of this process's
 * own, as RUN does. Must come before `prepareProcess`.
 * @throws BuildError `PLATFORM_NOT_RUNNABLE`
 */
export async function emulationFor(platform: Platform, store: Store): Promise<ImageEmulation> {
  if (samePlatform(platform, hostPlatform())) return { runnable: { kind: 'native' }, [Symbol.dispose]: () => {} };
  const { examinePlatforms } = await import('../emulation/runnable.ts');
  const examination = await examinePlatforms([platform], store.directory('sandbox'));
  const runnable = examination.platforms.get(formatPlatform(normalizePlatform(platform))) ?? { kind: 'native' };
  if (runnable.kind !== 'not') return { runnable, [Symbol.dispose]: () => examination[Symbol.dispose]() };
  examination[Symbol.dispose]();
  const { cannotRunImage } = await import('../emulation/ways-out.ts');
  throw cannotRunImage(platform, runnable.reason);
}

/** What a command enters to be run so. */
export function enteredBy(runnable: ImageEmulation['runnable']): Pick<RunSpec, 'userNamespace'> {
  return runnable.kind === 'private' ? { userNamespace: runnable.userNamespace } : {};
}

/** Runs a command of the image, and ends it where it crashes in an emulator that cannot end it. */
export async function watchingCrashes(
  { kind }: ImageEmulation['runnable'],
  output: RunOutput,
  run: (output: RunOutput, started: (command: Pick<RunningCommand, 'pid'>) => void) => Promise<RunResult>,
): Promise<RunResult> {
  if (kind === 'native') return run(output, () => {});
  const { CrashWatch } = await import('../emulation/crash-watch.ts');
  using watch = new CrashWatch(output);
  const result = await run(watch.output, watch.started);
  return { ...result, exitCode: watch.exitCode(result.exitCode) };
}

const OPEN_PORTS = 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start';

/**
 * Lets a command in a user namespace listen on the ports below 1024 of the network of process `pid`, which is the container's alone:
 * CAP_NET_BIND_SERVICE of that namespace counts for nothing there. Where /proc/sys is read-only it may not.
 */
export async function openPorts({ kind }: ImageEmulation['runnable'], pid: number): Promise<void> {
  if (kind !== 'private') return;
  const args = [`--net=/proc/${pid}/ns/net`, '--', '/bin/sh', '-c', OPEN_PORTS];
  await promisify(execFile)(requireTool('nsenter'), args, { env: { PATH: SYSTEM_PATH }, cwd: '/' }).catch(() => {});
}
