import { constants } from 'node:os';
import type { RunOutput, RunResult } from '../executor.ts';

/**
 * What `unshare` of util-linux before 2.40 says, and exits 1, when its child was ended by SIGKILL: it wants to end by the same signal,
 * whose action nobody can change.
 */
const COMPLAINT = /^tsbuild-exec: sigprocmask unblock failed: [ -~]*\r?\n$/;
const START = Buffer.from('tsbuild-exec: sigprocmask unblock failed: ');
const LONGEST = 200;

/** Passes output on, but for that complaint at the very end. Everything that may be its beginning is held back. */
export class KilledCommandFilter implements RunOutput {
  readonly #next: RunOutput;
  readonly #stream: 'stdout' | 'stderr';
  #held = Buffer.alloc(0);

  /** @param stream where the complaint comes: on a terminal there is only one */
  constructor(next: RunOutput, stream: 'stdout' | 'stderr') {
    this.#next = next;
    this.#stream = stream;
  }

  stdout(chunk: Uint8Array): void | Promise<void> {
    return this.#stream === 'stdout' ? this.#take(chunk) : this.#next.stdout(chunk);
  }

  stderr(chunk: Uint8Array): void | Promise<void> {
    return this.#stream === 'stderr' ? this.#take(chunk) : this.#next.stderr(chunk);
  }

  /** How it ended; passes on what is still held back. */
  async finish(exitCode: number): Promise<RunResult> {
    const killed = exitCode === 1 && COMPLAINT.test(this.#held.toString('latin1'));
    if (!killed && this.#held.length > 0) await this.#next[this.#stream](this.#held);
    return { exitCode: killed ? 128 + constants.signals.SIGKILL : exitCode };
  }

  #take(chunk: Uint8Array): void | Promise<void> {
    const all = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    const from = complaintStart(all);
    this.#held = all.subarray(from);
    if (from > 0) return this.#next[this.#stream](all.subarray(0, from));
  }
}

/** Where at the end of `text` the complaint begins, or may begin with more to come; its length when nowhere. */
function complaintStart(text: Buffer): number {
  const first = Math.max(0, text.length - LONGEST);
  for (let at = text.indexOf('t', first); at >= 0; at = text.indexOf('t', at + 1)) {
    const rest = text.subarray(at);
    const same = Math.min(rest.length, START.length);
    if (!rest.subarray(0, same).equals(START.subarray(0, same))) continue;
    const line = rest.indexOf('\n');
    if (line < 0 || line === rest.length - 1) return at;
  }
  return text.length;
}
