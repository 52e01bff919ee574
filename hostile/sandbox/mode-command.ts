import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, output, run, SEARCH_PATH } from '../../test/support/process.ts';
import type { Mode } from './modes.ts';

/** A command of tsbuild that still runs. */
export interface Going extends AsyncDisposable {
  readonly pid: number;
  /** What it wrote so far, both streams. */
  readonly said: () => string;
  /** Waits until it has written `text`. @throws Error when it ends before that, or takes longer than a minute */
  says(text: string): Promise<void>;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
}

type Around = (words: readonly string[]) => readonly string[];
const asIs: Around = (words) => words;

const PATIENCE = 60_000;

/** Commands of tsbuild in one mode. */
export class ModeCommand {
  readonly #mode: Mode;
  readonly #env: Readonly<Record<string, string>>;

  /** @param env further variables */
  constructor(mode: Mode, env: Readonly<Record<string, string>> = {}) {
    this.#mode = mode;
    this.#env = { ...mode.env, ...env };
  }

  /** A context below the mode's directory. */
  context(name: string, files: Readonly<Record<string, string>>): string {
    const context = join(this.#mode.folder, name);
    mkdirSync(context, { mode: 0o755 });
    for (const [path, text] of Object.entries(files)) writeFileSync(join(context, path), text, { mode: 0o644 });
    return context;
  }

  /** @param around makes of the words that start it others, which start those */
  run(args: readonly string[], around: Around = asIs): Promise<Ended> {
    const [program, words] = this.#words(args, around);
    return run(program, words, { env: this.#env, timeout: PATIENCE });
  }

  /** What it says, when it succeeds. @throws Error otherwise */
  output(args: readonly string[], around: Around = asIs): Promise<string> {
    const [program, words] = this.#words(args, around);
    return output(program, words, { env: this.#env, timeout: 2 * PATIENCE });
  }

  /** Starts it as the leader of a process group, with an input that ends when this process does. */
  start(args: readonly string[]): Going {
    const [program, words] = this.#words(args, asIs);
    const env = { PATH: SEARCH_PATH, LANG: 'C.UTF-8', ...this.#env };
    const child = spawn(program, words, { env, stdio: 'pipe', detached: true });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    child.stdin.on('error', () => {});
    let over = false;
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        over = true;
        resolve();
      };
      child.once('exit', end).once('error', end);
    });
    return {
      pid: child.pid ?? 0,
      ended,
      said: () => said,
      says: async (text) => {
        for (let waited = 0; !said.includes(text); waited += 10) {
          if (over || waited > PATIENCE) throw new Error(`${args.join(' ')} did not say ${text}: ${said}`);
          await sleep(10);
        }
      },
      [Symbol.asyncDispose]: async () => {
        if (!over) child.kill('SIGKILL');
        await ended;
      },
    };
  }

  #words(args: readonly string[], around: Around): readonly [string, readonly string[]] {
    const [program, words] = this.#mode.command(args);
    const [first = program, ...rest] = around([program, ...words]);
    return [first, rest];
  }
}
