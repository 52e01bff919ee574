import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { engineObstacle, type Engine, startEngine } from '../../test/support/engine.ts';
import type { Ended } from '../../test/support/process.ts';

/** Where docker looks for the plugin, and where people put it. */
const PLUGINS = [
  ...(process.env['DOCKER_CONFIG'] === undefined ? [] : [join(process.env['DOCKER_CONFIG'], 'cli-plugins')]),
  join(homedir(), '.docker/cli-plugins'),
  '/usr/local/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
];

/** How an engine's BuildKit can share its cache: an engine without containerd's image store only within images. */
export type Export = 'registry' | 'inline';

/** A build by BuildKit. */
export interface PeerBuild extends Ended {
  readonly milliseconds: number;
  /** Steps, and those of them that were hits. */
  readonly steps: number;
  readonly hits: number;
}

/** What BuildKit builds. */
export interface PeerOrder {
  readonly context: string;
  readonly host: string;
  /** The reference of the cache, below the host. */
  readonly cache: string;
  readonly writes?: boolean;
  /** What is pushed, below the host. */
  readonly push?: string;
}

/** The BuildKit of a Docker engine of our own. */
export class BuildKit implements AsyncDisposable {
  readonly name: string;
  readonly export: Export;
  readonly #engine: Engine;

  private constructor(engine: Engine, name: string, way: Export) {
    this.#engine = engine;
    this.name = name;
    this.export = way;
  }

  /** @returns why there is none, as text */
  static async start(directory: string, host: string): Promise<BuildKit | string> {
    const obstacle = engineObstacle();
    if (obstacle !== undefined) return obstacle;
    const plugin = PLUGINS.map((folder) => join(folder, 'docker-buildx')).find((path) => existsSync(path));
    if (plugin === undefined) return 'the plugin docker-buildx is not installed';
    await mkdir(join(directory, 'client/cli-plugins'), { recursive: true });
    await symlink(plugin, join(directory, 'client/cli-plugins/docker-buildx'));
    // Only containerd's image store exports a cache to a registry.
    const engine = await startEngine(directory, { features: { 'containerd-snapshotter': true } });
    try {
      const version = (await engine.docker.output(['version', '-f', '{{.Server.Version}}'])).trim();
      const probe = new BuildKit(engine, '', 'registry');
      const tried = await probe.#run(
        ['--cache-to', `type=registry,ref=${host}/fleet/probe:main`, '-'],
        'FROM scratch\n',
      );
      const way = /not supported for the docker driver/.test(tried.stderr) ? 'inline' : 'registry';
      const note = way === 'inline' ? ' (inline cache: this engine cannot export to a registry)' : '';
      return new BuildKit(engine, `BuildKit of Docker ${version}${note}`, way);
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /** Takes away all that it has built and fetched: an empty machine. */
  async forget(): Promise<void> {
    const { docker } = this.#engine;
    const images = (await docker.output(['images', '-aq'])).split('\n').filter((id) => id !== '');
    if (images.length > 0) await docker.run(['rmi', '-f', ...new Set(images)]);
    await docker.output(['buildx', 'prune', '-af']);
  }

  async build({ context, host, cache, writes = true, push }: PeerOrder): Promise<PeerBuild> {
    const ref = `${host}/${cache}`;
    const to = this.export === 'registry' ? `type=registry,ref=${ref},mode=max` : 'type=inline';
    // An inline cache lies in the image that is pushed under the reference.
    const names = [
      ...(this.export === 'inline' && writes ? [ref] : []),
      ...(push === undefined ? [] : [`${host}/${push}`]),
    ];
    const started = performance.now();
    const ended = await this.#run([
      '--network=none',
      '--build-arg',
      `REGISTRY=${host}`,
      ...names.flatMap((name) => ['-t', name]),
      ...(names.length > 0 ? ['--push'] : []),
      '--cache-from',
      `type=registry,ref=${ref}`,
      ...(writes ? ['--cache-to', to] : []),
      context,
    ]);
    return { ...ended, ...readPlain(ended.stderr), milliseconds: performance.now() - started };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.stop();
  }

  #run(args: readonly string[], input?: string): Promise<Ended> {
    return this.#engine.docker.run(['buildx', 'build', '--progress', 'plain', ...args], {
      ...(input === undefined ? {} : { input }),
      timeout: 300_000,
    });
  }
}

/** Reads plain progress: `#7 [deps 2/7] COPY …`, later `#7 CACHED` or `#7 DONE 0.1s`. FROM is no step of ours. */
function readPlain(text: string): Pick<PeerBuild, 'steps' | 'hits'> {
  const steps = new Set<string>();
  const hits = new Set<string>();
  for (const line of text.split('\n')) {
    const [, number = '', rest = ''] = /^#(\d+) (.*)$/.exec(line) ?? [];
    if (/^\[[^\]]*\d+\/\d+\] (?!FROM )/.test(rest)) steps.add(number);
    if (rest === 'CACHED' && steps.has(number)) hits.add(number);
  }
  return { steps: steps.size, hits: hits.size };
}
