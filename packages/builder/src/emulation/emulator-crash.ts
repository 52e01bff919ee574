import type { Runnable } from './runnable.ts';

/** What qemu prints when a signal of the program is one of its own (linux-user/signal.c). */
const UNCAUGHT = /uncaught target signal (\d+) \(([^)]*)\)/;

/** The signal that a text says qemu has not caught. */
export function uncaughtSignal(text: string): { readonly number: number; readonly name: string } | undefined {
  const [, number, name] = UNCAUGHT.exec(text) ?? [];
  return number === undefined || name === undefined ? undefined : { number: Number(number), name };
}

/** Exit codes of what a signal has ended that programs get from their own faults: SIGILL, SIGABRT, SIGBUS, SIGSEGV. */
const FAULTS: ReadonlyMap<number, string> = new Map([
  [132, 'Illegal instruction'],
  [134, 'Aborted'],
  [135, 'Bus error'],
  [139, 'Segmentation fault'],
]);

/**
 * A hint for a command that failed as commands do when their emulator cannot do what they want; undefined where nothing points to that.
 * A shell or a tool around the program may have made an exit code of its own of it: the emulator's message is enough.
 */
export function emulatorCrash(runnable: Runnable, exitCode: number, output: readonly string[]): string | undefined {
  if (runnable.kind !== 'machine' && runnable.kind !== 'private') return undefined;
  const said = output.map((line) => uncaughtSignal(line)?.name).find((name) => name !== undefined);
  const fault = said ?? FAULTS.get(exitCode);
  if (fault === undefined) return undefined;
  return `This ran emulated by ${runnable.emulator}, and a program in it crashed (${fault}), as current V8, Go and Rust programs do in older emulators. Use a newer one (qemu 9.2 or later, such as tonistiigi/binfmt brings), or run the step on the machine's own platform (FROM --platform=$BUILDPLATFORM).`;
}
