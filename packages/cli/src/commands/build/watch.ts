import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ByteString } from '@tsbuild/oci';
import { UsageError } from '../../host/usage-error.ts';
import { EXIT_OK, EXIT_USAGE } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { progressMode } from '../../output/open-progress.ts';
import { endOf, WatchOutput } from './watch-output.ts';
import { ChangedPaths } from '../../watch/changes.ts';
import { ContextUse } from '../../watch/context-use.ts';
import { DirectoryWatcher, floodLimit } from '../../watch/directory-watcher.ts';
import { isNoise, isThere, ownStreams, type WatchedFiles, watchedFiles } from '../../watch/watched-files.ts';
import { buildOnce, type BuildWork, Superseded } from './build-once.ts';

/** After so many builds in a row that were given up one goes to its end, or there would never be an image. */
const MOST_GIVEN_UP = 2;

/** `tsbuild build --watch`: builds, and builds again whenever something changes that the build reads, until Ctrl-C. */
export async function watchBuild(work: BuildWork, host: Host): Promise<number> {
  const watch = new Watch(work, host, checkedContext(work));
  try {
    return await watch.run();
  } finally {
    watch[Symbol.dispose]();
  }
}

/** @throws UsageError for what cannot be watched, or makes no sense more than once */
function checkedContext({ options, context, outputs }: BuildWork): string {
  const wrong = (message: string, hint: string) => new UsageError(message, { hint, command: 'build' });
  if (typeof context.context !== 'string') {
    throw wrong(
      '--watch needs a directory as the context',
      'changes of streams, URLs and repositories cannot be detected',
    );
  }
  if (context.dockerfile !== undefined && /^https?:\/\//i.test(context.dockerfile)) {
    throw wrong('--watch needs a local Dockerfile', 'download it, and name the file with -f');
  }
  const once = (['verify', 'debug-shell'] as const).find((name) => options[name]);
  if (once !== undefined) throw wrong(`--watch and --${once} cannot be used together`, `build once with --${once}`);
  if (options['on-error'] === 'shell') {
    throw wrong('--watch and --on-error shell cannot be used together', 'build once with --on-error shell');
  }
  if (outputs.some((output) => output.kind === 'stdout' || (output.kind === 'tar' && output.path === '-'))) {
    throw wrong('--watch cannot write several archives to standard output', 'use -o FILE, or --load');
  }
  return context.context;
}

/** BuildKit has no word for what happens between builds. */
const WATCH_MODES = { quiet: 'quiet', rawjson: 'quiet', json: 'json', plain: 'lines', tty: 'lines' } as const;

class Watch implements Disposable {
  readonly #work: BuildWork;
  readonly #host: Host;
  readonly #output: WatchOutput;
  readonly #files: WatchedFiles;
  readonly #changes = new ChangedPaths(floodLimit());
  readonly #watcher: DirectoryWatcher;
  /** Of the last build that went to its end well. */
  #lastGood: ContextUse | undefined;
  /** What a running build does when something changes. */
  #onChange: (path: ByteString) => void = () => {};
  #givenUp = 0;

  constructor(work: BuildWork, host: Host, context: string) {
    this.#work = work;
    this.#host = host;
    this.#files = watchedFiles(context, work.context.dockerfile, writtenPaths(work, host));
    const mode = progressMode(work.options, host);
    this.#output = new WatchOutput((text) => void host.stderr.write(text), WATCH_MODES[mode], realpathSync(context));
    this.#watcher = new DirectoryWatcher((path) => {
      if (isNoise(path, this.#files)) return;
      this.#changes.add(path);
      this.#onChange(path);
    });
  }

  async run(): Promise<number> {
    const { signal } = this.#host;
    let since: number | undefined;
    for (let first = true; ; first = false) {
      for (const directory of this.#files.directories) this.#watcher.add(directory);
      const use = new ContextUse(this.#watcher.add);
      const code = await this.#build(use);
      if (code !== undefined && (signal.aborted || this.#watcher.failed || (first && code === EXIT_USAGE))) return code;
      signal.throwIfAborted();
      const good = code === EXIT_OK;
      if (code !== undefined) this.#output.finished(good ? endOf(this.#work.outputs) : 'failed', passed(since));
      if (first) this.#output.waiting(this.#watcher.size);
      if (good) this.#lastGood = use;
      const {
        paths,
        flooded,
        since: seen,
      } = await this.#changes.next((path, last) => this.#matters({ path, last }, use, good), signal);
      since = seen;
      this.#output.changed(paths, flooded, code === undefined);
    }
  }

  [Symbol.dispose](): void {
    this.#watcher[Symbol.dispose]();
  }

  /** @returns the exit code; undefined for a build that was given up because something it had read changed */
  async #build(use: ContextUse): Promise<number | undefined> {
    const round = new AbortController();
    if (this.#givenUp < MOST_GIVEN_UP) {
      this.#onChange = (path) => {
        if (this.#isStale(path, use)) round.abort(new Superseded());
      };
    }
    try {
      const code = await buildOnce(this.#work, this.#host, { observer: use, signal: round.signal });
      this.#givenUp = 0;
      return code;
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      this.#givenUp++;
      return undefined;
    } finally {
      this.#onChange = () => {};
    }
  }

  /** Whether what a running build makes is out of date already. What it has not read yet, it will read as it is then. */
  #isStale(path: ByteString, use: ContextUse): boolean {
    if (this.#files.named.has(path)) return true;
    if (!use.concerns(path, false) || (!isThere(path) && !use.knows(path))) return false;
    return this.#lastGood?.concerns(path, true) ?? true;
  }

  #matters(change: { readonly path: ByteString; readonly last: number }, use: ContextUse, good: boolean): boolean {
    const { path, last } = change;
    if (this.#files.named.has(path)) return true;
    const concerned = use.concerns(path, good, last) || (!good && this.#lastGood?.concerns(path, true) === true);
    // Made and gone again, as editors do it: nothing has changed.
    return concerned && (isThere(path) || use.knows(path) || this.#lastGood?.knows(path) === true);
  }
}

function passed(since: number | undefined): number | undefined {
  return since === undefined ? undefined : performance.now() - since;
}

/** What the build itself writes: if it lies in the context, it must not make the next build. */
function writtenPaths({ outputs, options, settings }: BuildWork, host: Host): readonly string[] {
  const files = outputs.flatMap((output) => ('path' in output ? [output.path] : []));
  const named = [options.iidfile, options['metadata-file']].flatMap((path) => (path ? [path] : []));
  return [settings.root, ...ownStreams(), ...[...files, ...named].map((path) => resolve(host.cwd, path))];
}
