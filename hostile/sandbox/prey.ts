import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Canary } from '../input/canary.ts';
import type { Prey } from './probe.ts';

const CORE_PATTERN = '/proc/sys/kernel/core_pattern';

/** Things of this machine that a command must not get at, and how they are. */
export class Host implements Disposable {
  readonly canary: Canary;
  readonly prey: Prey;
  readonly #ends: readonly (() => void)[];

  /** The file that says whether the process of the host is frozen. */
  readonly #freezer: string;

  private constructor(canary: Canary, prey: Prey, freezer: string, ends: readonly (() => void)[]) {
    this.canary = canary;
    this.prey = prey;
    this.#freezer = freezer;
    this.#ends = ends;
  }

  static async make(folder: string): Promise<Host> {
    const canary = new Canary(join(folder, 'canary'));
    const ends: (() => void)[] = [];
    const server = createServer((socket) => socket.end(`${canary.secret}\n`));
    const other = createServer((socket) => socket.end(`${canary.secret}\n`));
    const abstract = `tsbuild-${randomBytes(6).toString('hex')}`;
    await listening(server, { host: '127.0.0.1', port: 0 });
    await listening(other, { path: `\0${abstract}` }).catch(() => {});
    ends.push(
      () => server.close(),
      () => other.close(),
    );
    const child = spawn('sleep', ['100000'], { env: { HOSTILE_CANARY: canary.secret }, stdio: 'ignore' });
    ends.push(() => child.kill('SIGKILL'));
    const pattern = readFileSync(CORE_PATTERN, 'latin1');
    // Whatever an escape has done to the machine is undone.
    ends.push(() => {
      if (readFileSync(CORE_PATTERN, 'latin1') !== pattern) writeFileSync(CORE_PATTERN, pattern);
    });
    const address = server.address();
    const prey = {
      CANARY: canary.path,
      LOOP: loopDevice(folder, canary.secret, ends),
      PORT: String(address !== null && typeof address === 'object' ? address.port : 1),
      SOCKET: abstract,
      PID: String(child.pid ?? 1),
      CGROUP: `tsbuild-prey-${randomBytes(6).toString('hex')}`,
    };
    const freezer = cgroupsOf(prey, ends);
    return new Host(canary, prey, freezer, ends);
  }

  /** What commands might change of the machine. */
  state(): string {
    const { mode, uid, gid } = statSync('/dev/full');
    const read = (path: string): string => readFileSync(path, 'latin1');
    const lives = /^State:\s*[SR]/m.test(read(`/proc/${this.prey.PID}/status`));
    const frozen = existsSync(this.#freezer) ? read(this.#freezer) : '';
    return [
      this.canary.state(),
      lives,
      frozen,
      mode,
      uid,
      gid,
      statSync('/dev/null').mode,
      read(CORE_PATTERN),
      hostname(),
    ].join('\n');
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.toReversed()) end();
  }
}

function listening(server: Server, where: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => resolve());
  });
}

/** Puts the process of the prey into a cgroup of its own in each hierarchy that can be written to. @returns the freezer's state */
function cgroupsOf({ PID, CGROUP }: Prey, ends: (() => void)[]): string {
  const points = readFileSync('/proc/self/mountinfo', 'latin1').matchAll(/ (\/sys\/fs\/cgroup\S*) rw.* - cgroup2? /g);
  const paths = [...points].map(([, point = '']) => join(point, CGROUP));
  for (const path of paths) {
    try {
      mkdirSync(path);
      // It ends later than the process that is in it, which is killed first.
      ends.unshift(
        () => void spawn('sh', ['-c', 'sleep 1; rmdir "$0"', path], { stdio: 'ignore', detached: true }).unref(),
      );
      writeFileSync(join(path, 'cgroup.procs'), PID);
    } catch {
      // An ordinary user's, or a cpuset without processors.
    }
  }
  return paths.map((path) => join(path, 'freezer.state')).find((path) => existsSync(path)) ?? '/nowhere';
}

/** A disk of the host with the secret on it: its minor number. */
function loopDevice(folder: string, secret: string, ends: (() => void)[]): string {
  const file = join(folder, 'disk');
  writeFileSync(file, Buffer.alloc(1 << 20, `${secret}\n`));
  try {
    const device = execFileSync('losetup', ['--find', '--show', '--read-only', file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    ends.push(() => execFileSync('losetup', ['--detach', device]));
    return device.replace(/^\D+/, '');
  } catch {
    return '0'; // No root, or no loop devices here: the first one is as good.
  }
}
