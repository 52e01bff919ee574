import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { RunOutput } from './executor.ts';
import { openNameless, writeNameless } from './fstab.ts';
import type { Pipe, PipePool } from './pipes.ts';
import { feed, FIRST_DESCRIPTOR, launchSandbox } from './sandbox-launch.ts';
import { followSandbox, type SandboxControl, type SandboxEnd, type SandboxProgram } from './sandbox-process.ts';
import WAIT from './scripts/wait.sh';
import { shellWord } from './terminal.ts';

/** Longer programs are given as arguments: the kernel then says what is too long. */
const MAX_TEXT = 64 * 1024;

/** What a waiting sandbox is given to do. */
interface Order {
  readonly program: SandboxProgram;
  readonly output: RunOutput;
  readonly signal: AbortSignal;
  readonly control: SandboxControl;
}

/** Whether a program can be given to a sandbox that waits. */
export function canWait(program: SandboxProgram, control: SandboxControl): boolean {
  if (program.terminal !== undefined || program.privateNetwork === true || control.input !== undefined) return false;
  if (program.needsMountsOfNow === true || program.cgroups !== undefined) return false;
  const text = textOf(program, 0);
  return text.length <= MAX_TEXT && !text.includes('\0');
}

/**
 * A chain of programs as `runSandbox` starts it, whose script has done the prelude and waits for the rest: for a command
 * that comes while it is made it saves most of the set-up's time. It dies with this process like any other, and does not
 * keep it from ending.
 */
export class WaitingSandbox {
  readonly #kind: string;
  readonly #end: Promise<SandboxEnd | undefined>;
  #dead = false;
  #order: (order: Order | undefined) => void = () => {};

  /** @param like a program of the kind that is expected */
  constructor(like: SandboxProgram, pipes: PipePool) {
    this.#kind = kindOf(like);
    const ordered = new Promise<Order | undefined>((resolve) => {
      this.#order = resolve;
    });
    this.#end = pipes.lend(async (stdout, stderr) => {
      const chain = new Chain(like, stdout, stderr, () => this.dismiss());
      const order = await ordered;
      return order === undefined ? chain.drop() : chain.go(order);
    });
    this.#end.catch(() => this.dismiss());
  }

  /** Whether this one can take the program. */
  fits(program: SandboxProgram): boolean {
    return !this.#dead && this.#kind === kindOf(program);
  }

  /** Runs a program that fits; undefined when the chain could not be started. As `runSandbox` otherwise. */
  run(order: Order): Promise<SandboxEnd | undefined> {
    this.#dead = true;
    this.#order(order);
    return this.#end;
  }

  /** Ends it, if it still waits. */
  dismiss(): void {
    this.#dead = true;
    this.#order(undefined);
  }
}

/** The processes of a waiting sandbox, and what we hold of them. */
class Chain {
  readonly #child: ChildProcess;
  readonly #streams: { readonly stdout: Pipe; readonly stderr: Pipe };
  readonly #files: readonly number[];
  readonly #text: number;
  readonly #textAt: number;
  readonly #inputAt: number | undefined;
  readonly #goAt: number;

  constructor(like: SandboxProgram, stdout: Pipe, stderr: Pipe, ended: () => void) {
    const { prelude, scratch } = like;
    const opened = [stdout.write, stderr.write];
    const empty = (): number => openNameless(scratch, '');
    try {
      const constant = prelude.files.map((text) => openNameless(scratch, text));
      opened.push(...constant);
      this.#files = like.files.map(empty);
      this.#text = empty();
      const more: (number | 'pipe')[] = [...constant, ...this.#files];
      const at = (what: number | 'pipe'): number => FIRST_DESCRIPTOR + more.push(what) - 1;
      this.#inputAt = like.input === undefined ? undefined : at('pipe');
      this.#goAt = at('pipe');
      this.#textAt = at(this.#text);
      const env = { ...prelude.env, WAIT_GO: String(this.#goAt), WAIT_TEXT: String(this.#textAt) };
      const launch = { ...prelude, script: `${prelude.script}${WAIT}`, env, args: [], stdin: undefined, more };
      this.#child = launchSandbox({ ...launch, stdout: stdout.write, stderr: stderr.write }, opened);
    } catch (error) {
      stdout.read.destroy();
      stderr.read.destroy();
      throw error;
    } finally {
      for (const fd of opened) closeSync(fd);
    }
    this.#streams = { stdout, stderr };
    this.#child.once('error', ended).once('exit', ended);
    this.#child.unref();
    for (const socket of this.#sockets()) socket.on('error', () => {}).unref();
  }

  /** Gives it what it waits for and follows it to its end. */
  go({ program, output, signal, control }: Order): Promise<SandboxEnd> {
    program.files.forEach((text, i) => writeNameless(this.#files[i] ?? -1, text));
    writeNameless(this.#text, textOf(program, this.#textAt));
    this.#close();
    this.#child.ref();
    for (const socket of this.#sockets()) socket.ref();
    if (this.#inputAt !== undefined) feed(this.#child, this.#inputAt, program.input ?? new Uint8Array());
    feed(this.#child, this.#goAt, Buffer.from('go\n'));
    return followSandbox(program, this.#child, { ...this.#streams, output, signal }, control);
  }

  /** Lets it end: what it waits for never comes. */
  async drop(): Promise<undefined> {
    this.#close();
    for (const socket of this.#sockets()) socket.destroy();
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      await new Promise((resolve) => this.#child.once('exit', resolve));
    }
    return undefined;
  }

  #close(): void {
    for (const fd of [...this.#files, this.#text]) closeSync(fd);
  }

  #sockets(): readonly Socket[] {
    const own: readonly unknown[] = this.#child.stdio ?? [];
    return [...own, this.#streams.stdout.read, this.#streams.stderr.read].filter((each) => each instanceof Socket);
  }
}

/** Programs of one kind have the same prelude, and the same descriptors. */
function kindOf({ prelude, files, input }: SandboxProgram): string {
  return JSON.stringify([prelude, files.length, input !== undefined]);
}

/** The program as a script that a shell reads: arguments and variables are words in quotes. */
function textOf({ args, env, script }: SandboxProgram, descriptor: number): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${shellWord(value)}\n`);
  return `exec ${descriptor}<&-\n${variables.join('')}set -- ${args.map(shellWord).join(' ')}\n${script}`;
}
