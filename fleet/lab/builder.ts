import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Ended, ended, SEARCH_PATH } from '../../test/support/process.ts';
import type { CacheCounts } from '../../packages/builder/src/progress/event.ts';
import { cacheSummary } from '../report/cache-summary.ts';

/** What became of one step. */
interface StepEnd {
  /** `deps 3/7 COPY deps-1.bin ./` */
  readonly name: string;
  readonly end: 'cached' | 'ran' | 'failed';
  /** The place whose record was used; absent of a record of the builder's own store. */
  readonly from?: string;
  readonly key?: string;
  /** Why it ran. */
  readonly reason?: string;
}

/** How one build ended. */
export interface BuildOutcome extends Ended {
  readonly lane: string;
  /** `sha256:…`; empty when it failed. */
  readonly image: string;
  readonly steps: readonly StepEnd[];
  /** What the build said of its shared caches in `--metadata-file`. */
  readonly cache: CacheCounts | undefined;
  /** Warnings and notices. */
  readonly notices: readonly string[];
  readonly milliseconds: number;
}

/** What one builder builds, and with which caches. */
export interface BuildOrder {
  readonly context: string;
  /** `127.0.0.1:<port>` that it reaches the registry at. */
  readonly host: string;
  readonly from?: readonly string[];
  readonly to?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One builder: a store of its own, and the command. */
export class Builder {
  readonly lane: string;
  readonly root: string;
  readonly #cli: string;
  readonly #directory: string;
  readonly #isolation: string;

  /** @param isolation the sandbox of RUN, as `--isolation` names it */
  constructor(lane: string, cli: string, directory: string, isolation: string) {
    this.lane = lane;
    this.#isolation = isolation;
    this.#cli = cli;
    this.#directory = directory;
    this.root = join(directory, 'store');
  }

  /** Starts a build and leaves it running; {@link outcomeOf} waits for it. */
  start({ context, host, from = [], to = [], args = [], env = {} }: BuildOrder): ChildProcess {
    return this.command(
      [
        'build',
        '--progress',
        'json',
        '--isolation',
        this.#isolation,
        '--metadata-file',
        this.#metadata,
        '--build-arg',
        `REGISTRY=${host}`,
        ...from.flatMap((spec) => ['--cache-from', spec]),
        ...to.flatMap((spec) => ['--cache-to', spec]),
        ...(args.some((word) => word === '-t' || word === '-o') ? [] : ['-t', 'app']),
        ...args,
        context,
      ],
      env,
    );
  }

  /** Starts `tsbuild ARGS`. */
  command(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn(process.execPath, [this.#cli, '--root', this.root, ...args], {
      env: {
        PATH: SEARCH_PATH,
        LANG: 'C.UTF-8',
        HOME: this.#directory,
        // The compiled program: a builder that starts empty has at least run once.
        XDG_CACHE_HOME: join(dirname(this.#directory), 'compiled'),
        SOURCE_DATE_EPOCH: '1700000000',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Runs `tsbuild ARGS` to its end. */
  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return ended(this.command(args, env));
  }

  /** Builds to the end, whatever that is. */
  async build(order: BuildOrder): Promise<BuildOutcome> {
    return this.outcomeOf(this.start(order));
  }

  async outcomeOf(child: ChildProcess): Promise<BuildOutcome> {
    const started = performance.now();
    const end = await ended(child);
    const milliseconds = performance.now() - started;
    const read = readEvents(end.stderr);
    const metadata = await readFile(this.#metadata, 'utf8').catch(() => undefined);
    await rm(this.#metadata, { force: true });
    const cache = metadata === undefined ? undefined : cacheSummary(JSON.parse(metadata));
    return { ...end, ...read, lane: this.lane, cache, milliseconds };
  }

  /** Takes its store away. */
  async dispose(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #metadata(): string {
    return join(this.#directory, 'metadata.json');
  }
}

interface Event {
  readonly type: string;
  readonly id?: string;
  readonly key?: string;
  readonly from?: string;
  readonly message?: string;
  readonly reason?: { readonly summary?: string };
  readonly steps?: readonly { id: string; stage: string; index: number; total: number; name: string }[];
}

/** Reads `--progress json` (docs/progress-events.md). A step that is solved twice ran when it ran once. */
function readEvents(text: string): Pick<BuildOutcome, 'image' | 'steps' | 'notices'> {
  const events = text.split('\n').flatMap((line): Event[] => (line.startsWith('{') ? [JSON.parse(line) as Event] : []));
  const names = new Map<string, string>();
  const reasons = new Map<string, string>();
  const steps = new Map<string, StepEnd>();
  const notices: string[] = [];
  let image = '';
  const put = (event: Event, end: StepEnd['end']): void => {
    const { id = '', key, from } = event;
    // A step that ran, and was a hit when the build went on after a lost layer, ran.
    if (end === 'cached' && steps.get(id)?.end === 'ran') return;
    const reason = reasons.get(id);
    const kept = { ...(key === undefined ? {} : { key }), ...(from === undefined ? {} : { from }) };
    steps.set(id, { name: names.get(id) ?? id, end, ...kept, ...(reason === undefined ? {} : { reason }) });
  };
  for (const event of events) {
    if (event.type === 'plan-ready') {
      for (const step of event.steps ?? [])
        names.set(step.id, `${step.stage} ${step.index}/${step.total} ${step.name}`);
    } else if (event.type === 'step-missed') reasons.set(event.id ?? '', event.reason?.summary ?? '');
    else if (event.type === 'step-cached') put(event, 'cached');
    else if (event.type === 'step-finished') put(event, 'ran');
    else if (event.type === 'step-failed') put(event, 'failed');
    else if (event.type === 'notice') notices.push(event.message ?? '');
    else if (event.type === 'image-built') image = event.id ?? '';
  }
  return { image, steps: [...steps.values()], notices };
}
