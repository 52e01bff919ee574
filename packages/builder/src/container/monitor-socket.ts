import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

const O_PATH = 0o10000000;
const NAME = 'monitor.sock';

/** A socket's path may have 107 bytes; a container's directory is longer, so it goes by a descriptor. */
function withShortPath<T>(directory: string, use: (path: string) => Promise<T>): Promise<T> {
  const fd = openSync(directory, O_PATH | constants.O_DIRECTORY);
  return use(`/proc/self/fd/${fd}/${NAME}`).finally(() => closeSync(fd));
}

/** Listens for commands that want something of the container in `directory`. Only its owner can reach it. */
export async function listenForCommands(directory: string, onConnection: (socket: Socket) => void): Promise<Server> {
  rmSync(join(directory, NAME), { force: true });
  const server = createServer(onConnection);
  const mask = process.umask(0o077);
  try {
    await withShortPath(
      directory,
      (path) =>
        new Promise<void>((resolve, reject) => {
          server.once('error', reject).listen(path, () => resolve());
        }),
    );
  } finally {
    process.umask(mask);
  }
  return server;
}

/** Connects to a container's monitor; undefined when there is none. */
export async function connectToMonitor(directory: string): Promise<Socket | undefined> {
  try {
    return await withShortPath(
      directory,
      (path) =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(path);
          socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject)));
        }),
    );
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Takes the socket's name away. */
export function forgetSocket(directory: string): void {
  rmSync(join(directory, NAME), { force: true });
}
