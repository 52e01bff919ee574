import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Who may talk to the agent. */
export interface SocketAccess {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * A socket that passes everything on to an SSH agent's, for as long as one command runs. The command cannot use the
 * agent's own: its owner is another, and the agent talks to that user alone.
 */
export class AgentProxy implements AsyncDisposable {
  /** The socket's path. */
  readonly path: string;
  readonly #directory: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(directory: string, agent: string) {
    this.#directory = directory;
    // Not in the store: a socket's path has at most 107 bytes.
    this.path = join(directory, 's');
    this.#server = createServer((client) => this.#relay(client, connect(agent)));
  }

  /** Starts to listen. `agent` is the path of the agent's socket. */
  static async listen(agent: string, { mode, uid, gid }: SocketAccess): Promise<AgentProxy> {
    const proxy = new AgentProxy(mkdtempSync(join(tmpdir(), 'tsbuild-ssh-')), agent);
    try {
      await new Promise<void>((resolve, reject) => {
        proxy.#server.once('error', reject).listen(proxy.path, resolve);
      });
      chmodSync(proxy.path, mode);
      if (uid !== 0 || gid !== 0) chownSync(proxy.path, uid, gid);
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      throw error;
    }
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #relay(client: Socket, agent: Socket): void {
    for (const [socket, other] of [
      [client, agent],
      [agent, client],
    ] as const) {
      this.#open.add(socket);
      // A broken side ends the other; the command says in its own words what it lacks.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
