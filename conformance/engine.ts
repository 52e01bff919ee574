import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { engineObstacle, startEngine } from '../test/support/engine.ts';
import { type Ended, output, run, type RunOptions } from '../test/support/process.ts';
import type { BuildRequest, Built, ImageBuilder } from './builder.ts';

/** Which Dockerfile version the BuildKit inside of an engine speaks; engines from the last one on are taken for current. */
const DOCKERFILE_VERSIONS: readonly (readonly [engine: number, minor: number])[] = [
  [18.09, 0],
  [19.03, 1],
  [20.1, 2],
  [23, 5],
  [25, 6],
  [26, 7],
  [27, 8],
  [28, 14],
  [29, 20],
];

/** How to reach an engine. */
interface Access {
  readonly docker: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

/** A real engine: the judge. */
export class Engine implements ImageBuilder {
  readonly version: string;
  readonly hasBuildx: boolean;
  readonly #access: Access;
  readonly #images = new Set<string>();

  private constructor(access: Access, version: string, hasBuildx: boolean) {
    this.#access = access;
    this.version = version;
    this.hasBuildx = hasBuildx;
  }

  /** The engine of DOCKER_HOST, else a new one of Debian's that lives in `folder`. @throws Error when there is none */
  static async connect(folder: string): Promise<Engine> {
    return Engine.#with(process.env['DOCKER_HOST'] === undefined ? await ownEngine(folder) : givenEngine());
  }

  /** An engine that was started in `folder` before, and goes on. */
  static at(folder: string): Promise<Engine> {
    return Engine.#with({ ...accessTo(folder), stop: async () => {} });
  }

  static async #with(access: Access): Promise<Engine> {
    const ask = (args: readonly string[]): Promise<Ended> => run(access.docker, args, { env: access.env });
    const [version, buildx] = await Promise.all([
      ask(['version', '-f', '{{.Server.Version}}']),
      ask(['buildx', 'version']),
    ]);
    if (version.exitCode !== 0) throw new Error(`The Docker engine does not answer: ${version.stderr}`);
    return new Engine(access, version.stdout.trim(), buildx.exitCode === 0);
  }

  /** `20.10`, `26.1`. */
  get shortVersion(): string {
    return this.version.split('.').slice(0, 2).join('.');
  }

  /** True when its own Dockerfile language is at least this one. */
  speaks([major, minor]: readonly [number, number]): boolean {
    const own = DOCKERFILE_VERSIONS.findLast(([engine]) => engine <= Number(this.shortVersion))?.[1] ?? 0;
    return major === 1 && minor <= own;
  }

  /** Puts an archive into the engine. @throws Error with the engine's words when it refuses */
  async load(archive: string): Promise<void> {
    const said = await this.#output(['load', '-q', '-i', archive]);
    const id = /^Loaded image ID: (\S+)/m.exec(said)?.[1];
    if (id !== undefined) this.#images.add(id);
  }

  async build(request: BuildRequest): Promise<Built> {
    const { args, network, context, stdinFile, env, useCache, archive } = request;
    const idFile = `${archive}.id`;
    const given = ['--progress', 'plain', '--network', network, '--iidfile', idFile, ...args, context];
    const command = this.hasBuildx ? ['buildx', 'build', '--load'] : ['build'];
    const { exitCode, stdout, stderr } = await this.#run([...command, ...(useCache ? [] : ['--no-cache']), ...given], {
      env,
      ...(stdinFile !== undefined && { stdinFile }),
    });
    if (exitCode === 0) {
      const id = await readFile(idFile, 'utf8');
      this.#images.add(id);
      await this.#output(['save', '-o', archive, id]);
    }
    await rm(idFile, { force: true });
    return { succeeded: exitCode === 0, log: `${stdout}${stderr}` };
  }

  /** Takes away what the run left in an engine that goes on, and ends an engine of its own. */
  async close(names: readonly string[]): Promise<void> {
    if (process.env['DOCKER_HOST'] !== undefined) await this.#run(['rmi', '-f', ...this.#images, ...names]);
    await this.#access.stop();
  }

  #run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return run(this.#access.docker, args, {
      ...options,
      env: { ...this.#access.env, ...options.env },
      timeout: 300_000,
    });
  }

  #output(args: readonly string[]): Promise<string> {
    return output(this.#access.docker, args, { env: this.#access.env, timeout: 300_000 });
  }
}

const BUILDKIT = { DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain' };

/** The user's own client with the user's own settings. */
function givenEngine(): Access {
  const names = ['HOME', 'DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'];
  const env = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { docker: 'docker', env: { ...Object.fromEntries(env), ...BUILDKIT }, stop: async () => {} };
}

async function ownEngine(folder: string): Promise<Access> {
  const obstacle = engineObstacle();
  if (obstacle !== undefined) throw new Error(`No engine to compare with: ${obstacle}. DOCKER_HOST may name one.`);
  await mkdir(folder, { recursive: true });
  const engine = await startEngine(folder);
  return { ...accessTo(folder), stop: () => engine.stop() };
}

/** Debian's own client, for an engine of test/support. */
function accessTo(folder: string): Omit<Access, 'stop'> {
  const env = {
    DOCKER_HOST: `unix://${join(folder, 'docker.sock')}`,
    DOCKER_CONFIG: join(folder, 'client'),
    HOME: folder,
  };
  return { docker: '/usr/bin/docker', env: { ...env, ...BUILDKIT } };
}
