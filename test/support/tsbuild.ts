import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lab } from './lab.ts';
import { type Ended, output, type RunOptions, run, SEARCH_PATH } from './process.ts';
import type { TestUser } from './test-user.ts';

/** The application of the README. */
export const NODE_APP = fileURLToPath(new URL('../../fixtures/node-app', import.meta.url));

/** The command with a store of its own, run by this user or by an ordinary one. */
export class Tsbuild {
  readonly store: string;
  readonly user: TestUser | undefined;

  constructor(store: string, user?: TestUser) {
    this.store = store;
    this.user = user;
  }

  /** Runs `tsbuild ARGS` to its end, whatever the end is. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const [program, words] = this.#command(args);
    return run(program, words, { ...options, env: { ...this.#env(), ...options.env } });
  }

  /** Runs `tsbuild ARGS`, which must succeed: its stdout. */
  output(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const [program, words] = this.#command(args);
    return output(program, words, { ...options, env: { ...this.#env(), ...options.env } });
  }

  /** Starts `tsbuild ARGS`; its stderr is readable. The process is the command itself, no wrapper. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const [program, words] = this.#command(args);
    const whole = { PATH: SEARCH_PATH, ...this.#env(), ...env };
    return spawn(program, words, { env: whole, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Builds `context` and gives what became of each step, by the words of its instruction. */
  async build(context: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Built> {
    const ended = await this.run(['build', '--progress', 'plain', ...args, context], options);
    if (ended.exitCode !== 0) throw new Error(`tsbuild build: exit code ${ended.exitCode}\n${ended.stderr}`);
    return { ...ended, steps: readSteps(ended.stderr) };
  }

  /** The words and the environment by which `tsbuild ARGS` is started, for programs that start it themselves. */
  commandLine(args: readonly string[]): { readonly words: readonly string[]; readonly env: Record<string, string> } {
    const [program, words] = this.#command(args);
    return { words: [program, ...words], env: this.#env() };
  }

  /** The ID of an image, `sha256:…`. */
  async id(image: string): Promise<string> {
    return (await this.output(['inspect', '-f', '{{.Id}}', image])).trim();
  }

  #command(args: readonly string[]): [string, string[]] {
    const words = [process.execPath, lab.cli, ...args];
    if (this.user === undefined) return [process.execPath, words.slice(1)];
    // setpriv executes the command in its own place, so a signal to the child reaches tsbuild.
    const identity = [`--reuid=${this.user.uid}`, `--regid=${this.user.gid}`, '--init-groups', '--inh-caps=-all'];
    return ['setpriv', [...identity, '--', ...words]];
  }

  #env(): Record<string, string> {
    return { LANG: 'C.UTF-8', TSBUILD_ROOT: this.store, HOME: dirname(this.store), ...compiledCode(this.user) };
  }
}

/**
 * The variable that lets all runs of the command by one user share its compiled code, as they do outside of tests: the home
 * directories of tests are new ones, and in each the first runs would compile the program anew.
 */
export function compiledCode(user?: TestUser): { readonly XDG_CACHE_HOME: string } {
  return { XDG_CACHE_HOME: join(lab.directory, 'caches', String(user?.uid ?? process.getuid?.())) };
}

/** A build that succeeded. */
export interface Built extends Ended {
  readonly steps: ReadonlyMap<string, StepEnd>;
}

export type StepEnd = 'CACHED' | 'DONE';

/** Reads plain progress: `#4 [stage-0 3/5] RUN npm install`, later `#4 CACHED` or `#4 DONE 0.4s`. */
export function readSteps(progress: string): Map<string, StepEnd> {
  const names = new Map<string, string>();
  const ends = new Map<string, StepEnd>();
  for (const line of progress.split('\n')) {
    const [, number = '', rest = ''] = /^#(\d+) (.*)$/.exec(line) ?? [];
    const title = /^\[[^\]]+ \d+\/\d+\] (.*)$/.exec(rest)?.[1];
    if (title !== undefined) names.set(number, title);
    const end = /^(CACHED|DONE)\b/.exec(rest)?.[1];
    const name = names.get(number);
    if (name !== undefined && (end === 'CACHED' || end === 'DONE')) ends.set(name, end);
  }
  return ends;
}

const scratches: string[] = [];

/** A folder of this test file, open for everybody, or owned by `user`. It goes when the file has ended. */
export async function scratch(user?: TestUser): Promise<string> {
  const folder = await mkdtemp(join(lab.directory, 'case-'));
  scratches.push(folder);
  await chmod(folder, 0o755);
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  return folder;
}

/** Removes what {@link scratch} made; what is in use until the end of the run goes with all the rest. */
export async function removeScratch(): Promise<void> {
  for (const folder of scratches.splice(0)) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

/**
 * The command with a new store, run by `user`. The store holds the base images busybox and alpine; with `bases: 'all'` also
 * those with node and, where it was made, debian; with `bases: false` nothing.
 * @throws Error when the command could not be bundled from today's source.
 */
export async function tsbuild(
  options: { readonly user?: TestUser; readonly bases?: false | 'all' } = {},
): Promise<Tsbuild> {
  if (lab.cliFault !== undefined) throw new Error(`There is no command to test:\n${lab.cliFault}`);
  const folder = await scratch(options.user);
  const store = join(folder, 'store');
  if (options.bases !== false) {
    await output('cp', ['-a', options.bases === 'all' ? lab.wholeSeed : lab.seed, store]);
    if (options.user !== undefined) await output('chown', ['-R', `${options.user.uid}:${options.user.gid}`, store]);
  }
  return new Tsbuild(store, options.user);
}

/** A context of these files by path; a path that ends in a slash is an empty folder. */
export async function contextOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await scratch();
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    await mkdir(path.endsWith('/') ? target : dirname(target), { recursive: true });
    if (!path.endsWith('/')) await writeFile(target, content);
  }
  return folder;
}

/** A copy of the README's application, to be changed. */
export async function nodeApp(): Promise<string> {
  const folder = await scratch();
  await cp(NODE_APP, folder, { recursive: true });
  return folder;
}
