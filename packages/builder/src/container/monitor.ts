import { closeSync, writeSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { identify, thisProcess } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';
import type { RunningCommand, RunResult, TerminalSize } from '../executor/executor.ts';
import { selectExecutor } from '../executor/select.ts';
import type { Store } from '../store/store.ts';
import type { Container } from '../container-state/container.ts';
import type { ContainerState } from '../container-state/container-state.ts';
import { ContainerStore } from '../container-state/container-store.ts';
import { enteredBy, type ImageEmulation, openPorts, watchingCrashes } from './foreign-image.ts';
import { unclaimed } from './files/files-claim.ts';
import { FrameChannel, parseMessage } from './frames.ts';
import { LogWriter } from './log-writer.ts';
import type { MonitorReply, MonitorRequest } from './monitor-messages.ts';
import { forgetSocket, listenForCommands } from './monitor-socket.ts';
import { connectNetwork } from './network.ts';
import type { NetworkConnection } from './network-connection.ts';
import { freeze, thaw } from './pause.ts';
import { containerSpec, execSpec } from './run-spec.ts';
import { AttachedClients, CommandInput } from './sessions.ts';
import { removeAnonymousVolumes } from './volumes/volume-use.ts';
import { signalNumber } from './signals.ts';

/** Nobody asked for the start for so long: whoever started this monitor was killed. */
const PATIENCE = 30_000;
const USUAL_SIZE: TerminalSize = { rows: 24, columns: 80 };

/**
 * Looks after one container for one run of it: starts it when asked, keeps its log and its state, lets commands in through
 * a socket, and ends when it has ended. The container cannot outlive this process.
 */
export class Monitor {
  readonly #container: Container;
  readonly #store: Store;
  readonly #emulation: Promise<ImageEmulation>;
  readonly #log: LogWriter;
  readonly #clients: AttachedClients;
  readonly #input: CommandInput;
  readonly #abort = new AbortController();
  readonly #channels = new Set<FrameChannel>();
  readonly #waiting = new Set<FrameChannel>();
  #running: RunningCommand | undefined;
  #run: Promise<void> | undefined;
  #network: NetworkConnection | undefined;
  #state: ContainerState;
  #onRun: () => void = () => {};

  /** @param emulation how commands of the image run, or why they do not: the start fails with that */
  constructor(container: Container, store: Store, emulation: Promise<ImageEmulation>) {
    this.#container = container;
    this.#store = store;
    this.#emulation = emulation;
    this.#state = container.state();
    this.#log = new LogWriter(container.logPath);
    this.#clients = new AttachedClients((stream, chunk) => this.#log.write(stream, chunk));
    this.#input = new CommandInput(container.config.openStdin);
  }

  /** Serves until the container has ended. `ready` is a descriptor that is told when commands may come. */
  async serve(ready: number): Promise<void> {
    const { directory } = this.#container;
    process.once('SIGTERM', () => this.#abort.abort(new BuildError('INTERRUPTED', 'the monitor was asked to stop')));
    const server = await listenForCommands(directory, (socket) => this.#accept(socket));
    writeSync(ready, 'ready\n');
    closeSync(ready);
    const asked = new Promise<void>((resolve) => (this.#onRun = resolve));
    const patience = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE).unref());
    await Promise.race([asked, patience]);
    await this.#run;
    await this.#end(server);
  }

  #accept(socket: Socket): void {
    const channel = new FrameChannel(socket);
    this.#channels.add(channel);
    socket.once('close', () => this.#channels.delete(channel));
    let input: CommandInput | undefined;
    channel.listen((kind, content) => {
      if (kind === 'i') return input?.write(content, channel);
      if (kind !== 'j') return;
      try {
        const message = parseMessage<MonitorRequest>(content);
        if (message.ask === 'resize') input?.resize(message.size);
        else if (message.ask === 'end-input') input?.end();
        else input = this.#answer(message, channel) ?? input;
      } catch (error) {
        channel.say(failure(error));
      }
    });
  }

  /** Returns what input on this channel is for from now on. */
  #answer(
    message: Exclude<MonitorRequest, { ask: 'resize' | 'end-input' }>,
    channel: FrameChannel,
  ): CommandInput | undefined {
    switch (message.ask) {
      case 'start':
        this.#run ??= this.#start(message.size ?? USUAL_SIZE, channel);
        this.#onRun();
        return undefined;
      case 'attach':
        this.#clients.add(channel);
        this.#waiting.add(channel);
        return message.input ? this.#inputFor(channel) : undefined;
      case 'wait':
        this.#waiting.add(channel);
        return undefined;
      case 'exec':
        return this.#exec(message, channel);
      case 'signal':
        process.kill(this.#command().pid, signalNumber(message.signal));
        channel.say({ say: 'done' } satisfies MonitorReply);
        return undefined;
      case 'pause':
      case 'resume':
        void this.#pause(message.ask === 'pause').then(
          () => channel.say({ say: 'done' }),
          (error: unknown) => channel.say(failure(error)),
        );
        return undefined;
    }
  }

  /** Without a terminal the first who may write is the only one: when they are gone, the input ends (docker's StdinOnce). */
  #inputFor(channel: FrameChannel): CommandInput {
    if (!this.#container.config.terminal) channel.socket.once('close', () => this.#input.end());
    return this.#input;
  }

  #command(): RunningCommand {
    if (this.#running !== undefined) return this.#running;
    throw new BuildError('CONTAINER_NOT_RUNNING', `Container ${this.#container.id} is not running`);
  }

  #exec({ request, input }: Extract<MonitorRequest, { ask: 'exec' }>, channel: FrameChannel): CommandInput {
    const command = this.#command();
    const stdin = new CommandInput(input);
    const output = {
      stdout: (chunk: Uint8Array) => channel.send('o', chunk),
      stderr: (chunk: Uint8Array) => channel.send('e', chunk),
    };
    const control = { input: stdin.stream, resizable: stdin.resizable };
    channel.socket.once('close', () => stdin.end());
    channel.say({ say: 'done' } satisfies MonitorReply);
    command
      .exec(execSpec(this.#container, request), output, this.#abort.signal, control)
      .then(({ exitCode, startFailure }) => channel.say({ say: 'exited', exitCode, startFailure }))
      .catch((error: unknown) => channel.say(failure(error)))
      .finally(() => channel.socket.end());
    return stdin;
  }

  async #pause(on: boolean): Promise<void> {
    const { pid } = this.#command();
    if (on) freeze(pid);
    else thaw(pid);
    await this.#set({ status: on ? 'paused' : 'running' });
  }

  async #start(size: TerminalSize, channel: FrameChannel): Promise<void> {
    let result: RunResult;
    try {
      const { config } = this.#container;
      const monitor = thisProcess();
      await this.#set({ status: 'created', error: '', exitCode: 0, outOfMemory: false, monitor });
      await unclaimed(this.#container);
      const { runnable } = await this.#emulation;
      const spec = { ...containerSpec(this.#container, size), ...enteredBy(runnable) };
      const executor = await selectExecutor(config.isolation, { scratch: this.#store.directory('sandbox') });
      result = await watchingCrashes(runnable, this.#clients, (output, watched) =>
        executor.run(spec, output, this.#abort.signal, {
          input: this.#input.stream,
          resizable: this.#input.resizable,
          connect: async (pid) => {
            this.#network = await connectNetwork(pid, config.ports, this.#container.directory);
            await openPorts(runnable, pid);
          },
          started: (command) => {
            watched(command);
            void this.#started(command, channel);
          },
        }),
      );
    } catch (error) {
      // As in docker: what could not be started was never more than made. Something may also go wrong later.
      const ran = this.#state.status !== 'created';
      const finishedAt = ran ? new Date().toISOString() : this.#state.finishedAt;
      await this.#set({ status: ran ? 'exited' : 'created', exitCode: 128, finishedAt, error: messageOf(error) });
      channel.say(failure(error));
      return;
    }
    const { exitCode, startFailure, outOfMemory = false } = result;
    const startedAt = this.#state.startedAt || new Date().toISOString();
    await this.#set({
      // As in docker: what could not be started is as it was before.
      status: startFailure === undefined ? 'exited' : 'created',
      exitCode,
      outOfMemory,
      startedAt: startFailure === undefined ? startedAt : '',
      finishedAt: startFailure === undefined ? new Date().toISOString() : this.#state.finishedAt,
      error: startFailure ?? '',
    });
    for (const each of new Set([...this.#waiting, channel])) each.say({ say: 'exited', exitCode, startFailure });
  }

  async #started(command: RunningCommand, channel: FrameChannel): Promise<void> {
    this.#running = command;
    const process = identify(command.pid);
    const startedAt = new Date().toISOString();
    if (process !== undefined) await this.#set({ status: 'running', startedAt, process });
    channel.say({ say: 'started' } satisfies MonitorReply);
  }

  /** One change after the other, the end last. */
  #changes: Promise<void> = Promise.resolve();
  #set(change: Partial<ContainerState>): Promise<void> {
    if (change.status === 'running' && this.#state.status === 'exited') return this.#changes;
    this.#state = { ...this.#state, ...change };
    const { process: own, monitor, ...rest } = this.#state;
    const over = rest.status === 'exited' || (rest.status === 'created' && rest.error !== '');
    const state = over ? rest : { ...rest, ...(own && { process: own }), ...(monitor && { monitor }) };
    this.#changes = this.#changes.then(() => this.#container.setState(state));
    return this.#changes;
  }

  async #end(server: Server): Promise<void> {
    this.#running = undefined;
    this.#network?.close();
    this.#log.close();
    forgetSocket(this.#container.directory);
    server.close();
    if (this.#container.config.autoRemove) {
      await new ContainerStore(this.#store.root).remove(this.#container);
      await removeAnonymousVolumes(this.#container, this.#store.root);
    }
    await Promise.all([...this.#channels].map((channel) => closed(channel)));
  }
}

/** Lets a peer read what was sent to it before the connection ends. */
function closed({ socket }: FrameChannel): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => socket.destroy(), 2000).unref();
    socket.once('close', () => resolve());
    if (socket.closed) resolve();
    socket.end();
  });
}

function failure(error: unknown): MonitorReply {
  const more = error instanceof BuildError ? { code: error.code, hint: error.hint } : {};
  return { say: 'failed', message: messageOf(error), ...more };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
