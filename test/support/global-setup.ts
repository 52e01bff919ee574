import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { type Engine, engineObstacle, startEngine } from './engine.ts';
import { installCli } from './install-cli.ts';
import type { LabFacts } from './lab.ts';
import { output } from './process.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const CI = process.env['CI'] === 'true';

/** Once per test run: base images, a fresh bundle of the command with a store that holds them, and a real engine. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const obstacle = engineObstacle();
  if (obstacle !== undefined && CI)
    throw new Error(`On CI the end-to-end tests need a Docker engine, but ${obstacle}.`);
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'tsbuild-e2e-'));
  await chmod(directory, 0o755);
  // Every user makes one of his own in it.
  await mkdir(join(directory, 'caches'));
  await chmod(join(directory, 'caches'), 0o1777);
  let engine: Engine | undefined;
  const tearDown = async (): Promise<void> => {
    await engine?.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const bases = await makeBases();
    const [seed, wholeSeed] = [join(directory, 'seed'), join(directory, 'whole-seed')];
    const cli = join(directory, 'bin/dist/main.js');
    const engineDirectory = join(directory, 'engine');
    const [cliFault] = await Promise.all([
      prepare(cli, { seed, wholeSeed }, bases).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
      obstacle === undefined
        ? startEngine(engineDirectory).then(async (started) => {
            engine = started;
            for (const base of Object.values(bases)) await started.docker.output(['load', '-i', base]);
          })
        : undefined,
    ]);
    const running = engine === undefined ? undefined : engineDirectory;
    const stores = { seed, wholeSeed };
    const facts: LabFacts = { directory, engine: running, engineObstacle: obstacle, cli, cliFault, ...stores, bases };
    project.provide('lab', facts);
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

/** The Debian base takes a minute, so only CI and those who made it once (`make.mjs --only debian`) have it in their tests. */
async function makeBases(): Promise<Record<string, string>> {
  const debian = CI || existsSync(join(PROJECT, '.tsbuild/bases/debian.tar')) ? ',debian' : '';
  const made = await output(
    process.execPath,
    [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', `busybox,alpine,node${debian}`],
    {
      timeout: 600_000,
    },
  );
  return Object.fromEntries(
    made
      .trim()
      .split('\n')
      .map((line) => line.split('\t') as [string, string]),
  );
}

/** The bases that every store gets which does not ask for all of them. */
const SMALL: readonly string[] = ['busybox', 'alpine'];

/** The command, a store that holds the small bases, and one that holds all. */
async function prepare(
  cli: string,
  stores: Pick<LabFacts, 'seed' | 'wholeSeed'>,
  bases: Readonly<Record<string, string>>,
): Promise<void> {
  await installCli(cli);
  const load = async (store: string, base: string): Promise<void> => {
    await output(process.execPath, [cli, '--root', store, 'load', '-i', base], { env: { HOME: join(cli, '../..') } });
  };
  for (const name of SMALL) await load(stores.seed, bases[name] ?? name);
  await output('cp', ['-a', stores.seed, stores.wholeSeed]);
  for (const [name, base] of Object.entries(bases)) if (!SMALL.includes(name)) await load(stores.wholeSeed, base);
}
