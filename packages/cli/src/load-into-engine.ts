import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { CommandError } from './errors.ts';
import type { Host } from './host.ts';

/**
 * Streams an archive into `docker load`, whose words go to standard error.
 * @throws CommandError when there is no docker command, or it fails
 */
export async function loadIntoEngine(archive: AsyncIterable<Uint8Array>, host: Host): Promise<void> {
  const engine = spawn('docker', ['load'], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...host.env }, signal: host.signal });
  engine.stdout.on('data', (chunk: Buffer) => void host.stderr.write(chunk));
  engine.stderr.on('data', (chunk: Buffer) => void host.stderr.write(chunk));
  const ended = once(engine, 'close').then(([code]) => code as number | null);
  // The engine may refuse the archive and close its end: its exit code then says more than our broken pipe.
  const sent = pipeline(archive, engine.stdin, { signal: host.signal }).catch((error: unknown) => error);
  const code = await ended.catch((error: NodeJS.ErrnoException) => {
    host.signal.throwIfAborted();
    if (error.code !== 'ENOENT') throw error;
    throw new CommandError('--load needs the docker command, which is not on the PATH', {
      hint: 'use -o FILE, and docker load -i FILE where the engine is',
      cause: error,
    });
  });
  const failure = await sent;
  if (code !== 0) throw new CommandError(`docker load failed with exit code ${code ?? 'none'}`, { hint: 'is the engine running?' });
  if (failure !== undefined) throw failure;
}
