import { PassThrough } from 'node:stream';
import type { RunOutput, TerminalSize } from '../executor/executor.ts';
import type { FrameChannel } from './frames.ts';

/** Commands that are attached to a container: all get its output, each that may gives it input. */
export class AttachedClients implements RunOutput {
  readonly #clients = new Set<FrameChannel>();
  readonly #log: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;

  constructor(log: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void) {
    this.#log = log;
  }

  add(client: FrameChannel): void {
    this.#clients.add(client);
    client.socket.once('close', () => this.#clients.delete(client));
  }

  stdout(chunk: Uint8Array): void | Promise<void> {
    this.#log('stdout', chunk);
    return this.#send('o', chunk);
  }

  stderr(chunk: Uint8Array): void | Promise<void> {
    this.#log('stderr', chunk);
    return this.#send('e', chunk);
  }

  /** A slow reader slows the container down, as a pipe would. */
  #send(kind: 'o' | 'e', chunk: Uint8Array): void | Promise<void> {
    const waits = [...this.#clients].flatMap((client) => client.send(kind, chunk) ?? []);
    if (waits.length > 0) return Promise.all(waits).then(() => {});
  }
}

/** The two ways into a command that runs: its input, and the size of its terminal. */
export class CommandInput {
  /** For the executor. */
  readonly stream: PassThrough | undefined;
  #resize: ((size: TerminalSize) => Promise<void>) | undefined;
  #wanted: TerminalSize | undefined;

  /** @param open false for an input that is empty from the start */
  constructor(open: boolean) {
    this.stream = open ? new PassThrough() : undefined;
  }

  write(chunk: Uint8Array, from: FrameChannel): void {
    const { stream } = this;
    if (stream === undefined || stream.writableEnded) return;
    if (stream.write(chunk)) return;
    // Who types faster than the command reads waits.
    from.socket.pause();
    stream.once('drain', () => from.socket.resume());
  }

  end(): void {
    this.stream?.end();
  }

  readonly resizable = (resize: (size: TerminalSize) => Promise<void>): void => {
    this.#resize = resize;
    if (this.#wanted !== undefined) void resize(this.#wanted);
  };

  resize(size: TerminalSize): void {
    this.#wanted = size;
    void this.#resize?.(size);
  }
}
