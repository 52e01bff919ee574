import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { output, type Ended, type RunOptions, run, SEARCH_PATH } from './process.ts';

/** Debian's own client, of the engine's version; a newer one on PATH may lack the builder. */
const DOCKER = '/usr/bin/docker';
const STARTUP_MS = 60_000;

/** Why a real engine cannot be started on this machine; undefined when it can. */
export function engineObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'starting a Docker engine takes root';
  if (!existsSync('/usr/sbin/dockerd')) return 'dockerd is not installed (Debian package docker.io)';
  if (!existsSync(DOCKER)) return `${DOCKER} is not installed (Debian package docker.io or docker-cli)`;
  return undefined;
}

/** A Docker client that talks to the tests' own engine and reads nobody's configuration. */
export class Docker {
  readonly #env: Readonly<Record<string, string>>;

  /** `directory` is the one that the engine was started in. */
  constructor(directory: string) {
    this.#env = {
      DOCKER_HOST: `unix://${join(directory, 'docker.sock')}`,
      DOCKER_CONFIG: join(directory, 'client'),
      DOCKER_BUILDKIT: '1',
      BUILDKIT_PROGRESS: 'plain',
      HOME: directory,
    };
  }

  /** Runs `docker ARGS` to its end, whatever the end is. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return run(DOCKER, args, { ...options, env: { ...this.#env, ...options.env } });
  }

  /** Runs `docker ARGS`, which must succeed: its stdout. */
  output(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return output(DOCKER, args, { ...options, env: { ...this.#env, ...options.env } });
  }
}

/** A running engine; `docker` talks to it. */
export interface Engine {
  readonly docker: Docker;
  stop(): Promise<void>;
}

/**
 * Starts dockerd in `directory`: socket, data and state all lie in there. The engine lives in mount and process namespaces
 * of its own, so all that it mounts and starts dies with it, and it dies with this process. `settings` are its daemon.json.
 * @throws Error with the engine's log when it does not answer within a minute.
 */
export async function startEngine(directory: string, settings: object = {}): Promise<Engine> {
  await mkdir(join(directory, 'client'), { recursive: true });
  await writeFile(join(directory, 'daemon.json'), `${JSON.stringify(settings)}\n`);
  const log = await open(join(directory, 'engine.log'), 'a');
  const engine = spawn('setpriv', ['--pdeathsig', 'KILL', ...namespaces, 'dockerd', ...flags(directory)], {
    env: { PATH: SEARCH_PATH, HOME: directory, TMPDIR: '/tmp' },
    stdio: ['ignore', log.fd, log.fd],
    detached: true, // Ctrl-C at the terminal is for the test run, which stops the engine in order
  });
  const ended = new Promise<void>((resolve) => {
    engine.once('exit', () => resolve());
    engine.once('error', () => resolve());
  });
  await log.close();
  const docker = new Docker(directory);
  const stop = async (): Promise<void> => {
    await removeContainers(docker);
    engine.kill('SIGKILL');
    await ended;
    await removeWhenFree(directory);
  };
  try {
    await answers(docker, engine, directory);
  } catch (error) {
    await stop();
    throw error;
  }
  return { docker, stop };
}

const namespaces = [
  'unshare',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child=KILL',
  '--mount-proc',
  '--propagation',
  'private',
];

const flags = (directory: string): string[] => [
  `--config-file=${join(directory, 'daemon.json')}`,
  `--host=unix://${join(directory, 'docker.sock')}`,
  `--data-root=${join(directory, 'data')}`,
  `--exec-root=${join(directory, 'exec')}`,
  `--pidfile=${join(directory, 'docker.pid')}`,
  '--group=root',
  // Containers of the tests use the host's network or none: the engine must not touch the machine's.
  '--iptables=false',
  '--ip6tables=false',
  '--bridge=none',
];

async function answers(docker: Docker, engine: ChildProcess, directory: string): Promise<void> {
  const deadline = Date.now() + STARTUP_MS;
  while (Date.now() < deadline && engine.exitCode === null && engine.signalCode === null) {
    if ((await docker.run(['info'], { timeout: 10_000 })).exitCode === 0) return;
    await sleep(100);
  }
  const log = await readFile(join(directory, 'engine.log'), 'utf8');
  throw new Error(`The Docker engine does not answer. Its log ends with:\n${log.split('\n').slice(-30).join('\n')}`);
}

/** In order, so that no cgroup of a container stays behind. */
async function removeContainers(docker: Docker): Promise<void> {
  const { exitCode, stdout } = await docker.run(['ps', '-aq'], { timeout: 10_000 });
  const ids = stdout.split('\n').filter((id) => id !== '');
  if (exitCode === 0 && ids.length > 0) await docker.run(['rm', '-f', ...ids], { timeout: 30_000 });
}

/** The kernel takes a moment to end the engine's namespaces and let go of its mounts. */
async function removeWhenFree(directory: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rm(directory, { recursive: true, force: true });
    } catch (error) {
      if (attempt === 50) throw error;
      await sleep(100);
    }
  }
}
