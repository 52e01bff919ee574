import type { BlobStore } from '@tsbuild/oci';
import { writeArchive } from '@tsbuild/oci/node';
import type { ImageToLoad } from '../engine/load-missing.ts';
import { CommandError } from '../host/usage-error.ts';
import type { Host } from '../host/host.ts';
import type { Sink } from '../output/output-file.ts';
import { streamSink } from '../output/output-stream.ts';

/**
 * Brings an image into the Docker engine: over its API what it lacks, else the whole archive through the docker command. What
 * the engine says goes to standard error.
 * @throws CommandError when there is no docker command, or it fails
 */
export async function loadIntoEngine(image: ImageToLoad, blobs: BlobStore, host: Host): Promise<void> {
  // Loaded here, as few commands need it.
  const { loadMissing } = await import('../engine/load-missing.ts');
  if (await loadMissing(image, blobs, host)) return;
  await loadWhole((sink) => writeArchive([image], blobs, sink), host);
}

async function loadWhole(write: (sink: Sink) => Promise<void>, host: Host): Promise<void> {
  // Loaded here, as few commands need it.
  const { execa } = await import('execa');
  const { signal } = host;
  const engine = execa('docker', ['load'], {
    env: { ...host.env },
    extendEnv: false,
    buffer: false,
    reject: false,
    cancelSignal: signal,
    stdin: 'pipe',
  });
  for (const said of [engine.stdout, engine.stderr]) {
    said.setEncoding('utf8').on('data', (text: string) => void host.stderr.write(text));
  }
  // The engine may refuse the archive and close its end: its exit code then says more than our broken pipe.
  const closed = new AbortController();
  engine.stdin.on('error', (error) => closed.abort(error));
  void engine.then(() => closed.abort(new Error('docker load ended before the archive did')));
  const failure = await write(streamSink(engine.stdin, AbortSignal.any([signal, closed.signal]))).then(
    () => void engine.stdin.end(),
    (error: unknown) => {
      engine.stdin.destroy();
      return { error };
    },
  );
  const result = await engine;
  signal.throwIfAborted();
  if (result.code === 'ENOENT') throw engineMissing(result);
  if (result.exitCode !== 0) {
    throw new CommandError(`docker load failed with exit code ${result.exitCode ?? 'none'}`, {
      hint: 'is the engine running?',
    });
  }
  if (failure !== undefined) throw failure.error;
}

function engineMissing(cause: unknown): CommandError {
  return new CommandError('--load needs the docker command, which is not on the PATH', {
    hint: 'use -o FILE, and docker load -i FILE where the engine is',
    cause,
  });
}
