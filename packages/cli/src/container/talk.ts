import type { CommandEnd, MonitorClient } from '@tsbuild/builder';
import { CommandError } from '../host/usage-error.ts';
import type { Host, OutputStream } from '../host/host.ts';
import { enterRawMode } from '../terminal/raw-mode.ts';
import { DetachKeys } from './detach-keys.ts';

/** How to talk to a command in a container. */
export interface TalkOptions {
  readonly terminal: boolean;
  /** Pass on what comes from standard input. */
  readonly input: boolean;
  readonly detachKeys?: string | undefined;
  /** Sends a signal on that came to us. */
  readonly onSignal?: (name: NodeJS.Signals) => void;
  /** Starts it, when all is ready to take what it says. */
  readonly start: (size: TerminalSize | undefined) => Promise<void> | void;
}

interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Output streams of this process, in the form that a client of a monitor writes to. */
export function processStreams(host: Pick<Host, 'stdout' | 'stderr'>) {
  return {
    stdout: (chunk: Uint8Array) => written(host.stdout, chunk),
    stderr: (chunk: Uint8Array) => written(host.stderr, chunk),
  };
}

function written(stream: OutputStream, chunk: Uint8Array): Promise<void> | void {
  if (!stream.write(chunk)) return new Promise((resolve) => stream.once('drain', resolve));
}

/** @throws CommandError where a terminal is asked for and standard input is none */
export function requireTerminal(host: Pick<Host, 'stdin'>): void {
  if (host.stdin.isTTY === true) return;
  throw new CommandError('the input device is not a TTY', {
    hint: 'omit -t if the input is a pipe or a file',
  });
}

/** Connects this process's streams with a command until it ends, or undefined when the user left it to itself. */
export async function talk(client: MonitorClient, options: TalkOptions, host: Host): Promise<CommandEnd | undefined> {
  const { stdin, stdout } = host;
  const { onSignal } = options;
  if (onSignal !== undefined) host.takeSignals?.(onSignal);
  const ended = client.ended();
  ended.catch(() => {}); // Told of below, when the start is over.
  const raw = options.terminal && options.input && stdin.isTTY === true;
  const resized = (): void => {
    const size = sizeOf(stdout);
    if (size !== undefined) client.resize(size);
  };
  const leaveRawMode = raw ? enterRawMode(stdin) : () => {};
  if (options.terminal) stdout.on('resize', resized);
  let stop: () => void = () => {};
  try {
    const detached = new Promise<undefined>((resolve) => {
      if (options.input) stop = raw ? type(client, options, host, () => resolve(undefined)) : client.feed(stdin);
    });
    await options.start(options.terminal ? sizeOf(stdout) : undefined);
    return await Promise.race([ended, detached]);
  } finally {
    stop();
    stdout.off('resize', resized);
    leaveRawMode();
  }
}

function type(client: MonitorClient, options: TalkOptions, { stdin }: Host, detach: () => void): () => void {
  const keys = new DetachKeys(options.detachKeys);
  const take = (chunk: Buffer): void => {
    const { pass, detached } = keys.filter(chunk);
    if (pass.length > 0) client.type(pass);
    if (detached) detach();
  };
  stdin.on('data', take);
  return () => {
    stdin.off('data', take);
    stdin.pause();
  };
}

function sizeOf({ rows, columns }: OutputStream): TerminalSize | undefined {
  return rows === undefined || columns === undefined || rows === 0 ? undefined : { rows, columns };
}
