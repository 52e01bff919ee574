import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CommandError } from './errors.ts';
import type { Host } from './host.ts';
import type { Sink } from './output-file.ts';
import { streamSink } from './output-stream.ts';

/**
 * Streams an archive into `docker load`, whose words go to standard error.
 * @throws CommandError when there is no docker command, or it fails
 */
export async function loadIntoEngine(write: (sink: Sink) => Promise<void>, host: Host): Promise<void> {
  const { signal } = host;
  const engine = spawn('docker', ['load'], { stdio: 'pipe', env: { ...host.env }, signal });
  engine.stdout.on('data', (chunk: Buffer) => void host.stderr.write(chunk));
  engine.stderr.on('data', (chunk: Buffer) => void host.stderr.write(chunk));
  const ended = once(engine, 'close').then(([code]) => code as number | null);
  // The engine may refuse the archive and close its end: its exit code then says more than our broken pipe.
  const closed = new AbortController();
  engine.stdin.on('error', (error) => closed.abort(error));
  const sent = write(streamSink(engine.stdin, AbortSignal.any([signal, closed.signal]))).then(
    () => void engine.stdin.end(),
    (error: unknown) => {
      engine.stdin.destroy();
      return { error };
    },
  );
  const code = await ended.catch((error: unknown) => {
    signal.throwIfAborted();
    throw engineMissing(error);
  });
  const failure = await sent;
  if (code !== 0) {
    throw new CommandError(`docker load failed with exit code ${code ?? 'none'}`, { hint: 'is the engine running?' });
  }
  if (failure !== undefined) throw failure.error;
}

function engineMissing(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) return error;
  return new CommandError('--load needs the docker command, which is not on the PATH', {
    hint: 'use -o FILE, and docker load -i FILE where the engine is',
    cause: error,
  });
}
