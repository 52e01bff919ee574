import { readFileSync } from 'node:fs';
import type { RunOutput } from '../executor/executor.ts';
import { uncaughtSignal } from './emulator-crash.ts';

/** How often a command that has crashed is looked at, in milliseconds. */
const INTERVAL = 100;
/** Signals that nobody can block. */
const UNBLOCKABLE = (1n << 8n) | (1n << 18n);
/** The C library keeps those for itself. */
const INTERNAL = (1n << 31n) | (1n << 32n);

/**
 * Ends a command that qemu cannot end. For a program that a fault kills, qemu sends the signal to itself and waits for its death with all
 * other signals blocked (linux-user/signal.c, dump_core_and_abort). As process 1 of a pid namespace it waits for ever: the kernel gives
 * process 1 no signal of its own namespace that it has no handler for (pid_namespaces(7)).
 */
export class CrashWatch implements Disposable {
  readonly output: RunOutput;
  #pid: number | undefined;
  #signal = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(output: RunOutput) {
    const look = (chunk: Uint8Array): void => this.#look(Buffer.from(chunk).toString('latin1'));
    this.output = {
      stdout: (chunk) => {
        look(chunk);
        return output.stdout(chunk);
      },
      stderr: (chunk) => {
        look(chunk);
        return output.stderr(chunk);
      },
    };
  }

  /** The command's process is known. */
  readonly started = ({ pid }: { readonly pid: number }): void => {
    this.#pid = pid;
  };

  /** The exit code that a command has when it ended with `exitCode`. */
  exitCode(exitCode: number): number {
    return this.#ended ? 128 + this.#signal : exitCode;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(text: string): void {
    const signal = uncaughtSignal(text);
    if (signal === undefined) return;
    this.#signal = signal.number;
    // It may be any process of the command, which goes on then.
    this.#timer ??= setInterval(() => this.#endHung(), INTERVAL);
  }

  #endHung(): void {
    if (this.#pid === undefined || this.#ended || !waitsForDeath(this.#pid)) return;
    this.#ended = true;
    try {
      process.kill(this.#pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

/** Whether a process sleeps with all signals blocked but for one. */
function waitsForDeath(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const blocked = BigInt(`0x${/^SigBlk:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`) | UNBLOCKABLE | INTERNAL;
    const open = blocked ^ ((1n << 64n) - 1n);
    return /^State:\s*S/m.test(status) && open !== 0n && (open & (open - 1n)) === 0n;
  } catch {
    return false; // It has ended.
  }
}
