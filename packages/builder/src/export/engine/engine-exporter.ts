import { formatPlatform, parseReference } from '@tsbuild/oci';
import { type Sink, streamSink } from '@tsbuild/oci/internal';
import { writeArchive } from '@tsbuild/oci/node';
import { BuildError } from '../../diagnostics/build-error.ts';
import type { EngineTarget, Exporter, ExportResult, ExportWork, ImageToExport } from '../exporter.ts';
import { loadMissing } from './load-missing.ts';

/** Brings the image into a Docker engine: over its API what it lacks, else the whole archive through the docker command. */
export class EngineExporter implements Exporter {
  readonly #target: EngineTarget;

  constructor(target: EngineTarget) {
    this.#target = target;
  }

  /** Whether the engine takes the image shows when it gets it. */
  async check(): Promise<void> {}

  /** @throws BuildError `EXPORT_FAILED` when there is no docker command, or it fails */
  async export({ image, names }: ImageToExport, { store, reporter, signal }: ExportWork): Promise<ExportResult> {
    signal.throwIfAborted();
    const named = { ...image, names: names.map((name) => parseReference(name)) };
    const { blobs } = store.layout;
    const onSingle = (): void => {
      const platform = formatPlatform(image.config);
      const message = `the engine's store takes one platform of an image: loaded ${platform} only (Docker 29 takes all, earlier ones with the containerd image store)`;
      reporter.report({ type: 'notice', level: 'info', message });
    };
    if (!(await loadMissing(named, blobs, this.#target, signal, onSingle)))
      await loadWhole((sink) => writeArchive([named], blobs, sink), this.#target, signal);
    return { pushed: [] };
  }
}

async function loadWhole(
  write: (sink: Sink) => Promise<void>,
  { environment, onOutput }: EngineTarget,
  signal: AbortSignal,
): Promise<void> {
  // Loaded here, as few commands need it.
  const { execa } = await import('execa');
  const engine = execa('docker', ['load'], {
    env: { ...environment },
    extendEnv: false,
    buffer: false,
    reject: false,
    cancelSignal: signal,
    stdin: 'pipe',
  });
  for (const said of [engine.stdout, engine.stderr]) {
    said.setEncoding('utf8').on('data', (text: string) => onOutput?.(text));
  }
  // The engine may refuse the archive and close its end: its exit code then says more than our broken pipe.
  const closed = new AbortController();
  engine.stdin.on('error', (error) => closed.abort(error));
  void engine.then(() => closed.abort(new Error('docker load ended before reading the whole archive')));
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
    throw new BuildError('EXPORT_FAILED', `docker load failed with exit code ${result.exitCode ?? 'none'}`, {
      hint: 'is the engine running?',
    });
  }
  if (failure !== undefined) throw failure.error;
}

function engineMissing(cause: unknown): BuildError {
  return new BuildError(
    'EXPORT_FAILED',
    'the engine cannot be reached without the docker command, which is not on the PATH',
    {
      hint: 'write an archive, and run docker load -i FILE on the machine of the engine',
      cause,
    },
  );
}
