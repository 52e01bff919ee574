import type { Readable } from 'node:stream';
import { BuildError, type BuildErrorCode } from '../diagnostics/build-error.ts';
import type { TerminalSize } from '../executor/executor.ts';
import type { Container } from '../container-state/container.ts';
import { FrameChannel, parseMessage } from './frames.ts';
import type { MonitorReply, MonitorRequest } from './monitor-messages.ts';
import { connectToMonitor } from './monitor-socket.ts';
import type { ExecRequest } from './run-spec.ts';

/** How a command that we talked to ended. */
export interface CommandEnd {
  readonly exitCode: number;
  /** Why it was never started. */
  readonly startFailure?: string | undefined;
}

/** Where output goes; what is returned is waited for before more is read. */
export interface CommandStreams {
  stdout(chunk: Uint8Array): void | Promise<void>;
  stderr(chunk: Uint8Array): void | Promise<void>;
}

/** A conversation with a container's monitor. */
export class MonitorClient implements Disposable {
  readonly #channel: FrameChannel;
  readonly #container: Container;
  readonly #replies: ((reply: MonitorReply) => void)[] = [];
  #streams: CommandStreams | undefined;
  #end: ((end: CommandEnd) => void) | undefined;
  #fail: ((error: BuildError) => void) | undefined;
  #ended: CommandEnd | undefined;

  private constructor(channel: FrameChannel, container: Container) {
    this.#channel = channel;
    this.#container = container;
    channel.listen((kind, content) => this.#take(kind, content));
    channel.socket.once('close', () => this.#lost());
  }

  /** Undefined when the container has no monitor: it does not run. */
  static async open(container: Container): Promise<MonitorClient | undefined> {
    const socket = await connectToMonitor(container.directory);
    return socket === undefined ? undefined : new MonitorClient(new FrameChannel(socket), container);
  }

  /** As {@link open}. @throws BuildError `CONTAINER_NOT_RUNNING` */
  static async openRunning(container: Container): Promise<MonitorClient> {
    const client = container.isRunning ? await MonitorClient.open(container) : undefined;
    if (client !== undefined) return client;
    throw new BuildError('CONTAINER_NOT_RUNNING', `Container ${container.id} is not running`, {
      hint: `start it: tsbuild start ${container.name}`,
    });
  }

  /** Gets the container's output from now on. */
  attach(streams: CommandStreams, input: boolean): void {
    this.#streams = streams;
    this.#say({ ask: 'attach', input });
  }

  /** Starts the container; settles when it runs, or has ended already. @throws BuildError when it cannot be started */
  async start(size?: TerminalSize): Promise<void> {
    this.#say({ ask: 'start', size });
    await this.#reply();
  }

  /** Starts a further command in the container. */
  exec(request: ExecRequest, streams: CommandStreams, input: boolean): void {
    this.#streams = streams;
    this.#say({ ask: 'exec', request, input });
  }

  /** Settles when the monitor has taken what was asked. @throws BuildError */
  accepted(): Promise<void> {
    return this.#reply();
  }

  /** How the container, or what {@link exec} started, ends. @throws BuildError when it could not be started */
  ended(): Promise<CommandEnd> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return resolve(this.#ended);
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  /** Settles when the monitor has ended the conversation: by then it has removed what was to be removed. */
  closed(): Promise<void> {
    const { socket } = this.#channel;
    return new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
  }

  /** Asks to be told of the container's end. */
  wait(): void {
    this.#say({ ask: 'wait' });
  }

  /** @throws BuildError `OPTION_INVALID`, `CONTAINER_NOT_RUNNING` */
  async signal(signal: string): Promise<void> {
    this.#say({ ask: 'signal', signal });
    await this.#reply();
  }

  /** Stops all its processes, or lets them go on. */
  async pause(on: boolean): Promise<void> {
    this.#say({ ask: on ? 'pause' : 'resume' });
    await this.#reply();
  }

  resize(size: TerminalSize): void {
    this.#say({ ask: 'resize', size });
  }

  /** Passes everything on from `input`, and its end. Returns a function that stops that. */
  feed(input: Readable): () => void {
    const take = (chunk: Buffer): void => {
      const room = this.#channel.send('i', chunk);
      if (room === undefined) return;
      input.pause();
      void room.then(() => input.resume());
    };
    const end = (): void => this.#say({ ask: 'end-input' });
    input.on('data', take).once('end', end).once('error', end);
    return () => {
      input.off('data', take).off('end', end).off('error', end);
      input.pause();
    };
  }

  /** Passes typed bytes on. */
  type(bytes: Uint8Array): void {
    void this.#channel.send('i', bytes);
  }

  [Symbol.dispose](): void {
    this.#channel.socket.destroy();
  }

  #say(request: MonitorRequest): void {
    this.#channel.say(request);
  }

  async #reply(): Promise<void> {
    const reply = await new Promise<MonitorReply>((resolve) => this.#replies.push(resolve));
    if (reply.say === 'failed') throw failureOf(reply);
  }

  #take(kind: string, content: Buffer): void {
    if (kind === 'j') return this.#hear(parseMessage<MonitorReply>(content));
    const taken = kind === 'o' ? this.#streams?.stdout(content) : this.#streams?.stderr(content);
    if (taken === undefined) return;
    this.#channel.socket.pause();
    void taken.finally(() => this.#channel.socket.resume());
  }

  #hear(reply: MonitorReply): void {
    if (reply.say === 'exited') {
      this.#ended = reply;
      this.#end?.(reply);
      for (const each of this.#replies.splice(0)) each(reply);
      return;
    }
    const waiting = this.#replies.shift();
    if (waiting !== undefined) waiting(reply);
    else if (reply.say === 'failed') this.#fail?.(failureOf(reply));
  }

  /** The monitor is gone. Its last word is on the disk. */
  #lost(): void {
    if (this.#ended === undefined) {
      this.#ended = { exitCode: exitCodeOf(this.#container) };
      this.#end?.(this.#ended);
    }
    const gone = { say: 'failed', message: 'the container ended', code: 'CONTAINER_NOT_RUNNING' } as const;
    for (const reply of this.#replies.splice(0)) reply(gone);
  }
}

function exitCodeOf(container: Container): number {
  const state = container.state();
  // Its record went with it (--rm): nothing is known but that it was not an orderly end.
  return state.status === 'exited' ? state.exitCode : 137;
}

function failureOf({ message, code, hint }: Extract<MonitorReply, { say: 'failed' }>): BuildError {
  return new BuildError((code ?? 'RUN_FAILED') as BuildErrorCode, message, hint === undefined ? {} : { hint });
}
