import type { BuildRecord, RecordedPhase } from '@tsbuild/builder';
import type { Host } from '../../host/host.ts';
import type { BuildEnd } from './build-end.ts';
import type { BuildFlags } from './build-options.ts';
import type { BuildOutput } from './build-output.ts';

/** Of these outputs nothing is to be told: the store is where the image is anyway. */
const PHASES: Readonly<Partial<Record<BuildOutput['kind'], RecordedPhase['kind']>>> = {
  registry: 'push',
  engine: 'load',
  file: 'export',
  stdout: 'export',
  files: 'export',
  tar: 'export',
  directory: 'export',
};

/**
 * What is written of a build when it is over: the rest of its record, a trace, a summary, findings. What that takes is loaded
 * only where it is asked for.
 */
export class BuildReports {
  /** Of what was pushed, else of what is in the store. */
  digest: string | undefined;
  readonly #options: BuildFlags;
  readonly #host: Host;
  readonly #phases: RecordedPhase[] = [];
  #record: BuildRecord | undefined;

  constructor(options: BuildFlags, host: Host) {
    this.#options = options;
    this.#host = host;
  }

  readonly onRecord = (record: BuildRecord): void => {
    this.#record = record;
  };

  /** Brings the image to an output, and remembers how long that took. */
  readonly timed = async <T>(output: BuildOutput, task: () => Promise<T>): Promise<T> => {
    const kind = PHASES[output.kind];
    const started = Date.now();
    const add = (failed: boolean): void => {
      if (kind === undefined) return;
      const name = 'path' in output ? { name: output.path } : {};
      this.#phases.push({ kind, ...name, started, ended: Date.now(), ...(failed ? { failed: true } : {}) });
    };
    try {
      const result = await task();
      add(false);
      return result;
    } catch (error) {
      add(true);
      throw error;
    }
  };

  /** @throws the file system's error when a report cannot be written; a trace that cannot be sent is a warning */
  async write(end: BuildEnd): Promise<void> {
    const record = this.#whole();
    if (record !== undefined && this.#phases.length > 0) end.store?.builds.put(record);
    if (!this.#isWanted()) return;
    const { writeReports } = await import('./write-reports.ts');
    const digest = this.digest === undefined ? {} : { digest: this.digest };
    await writeReports({ ...end, ...digest, ...(record === undefined ? {} : { record }) }, this.#options, this.#host);
  }

  #whole(): BuildRecord | undefined {
    if (this.#record === undefined || this.#phases.length === 0) return this.#record;
    return { ...this.#record, phases: [...this.#record.phases, ...this.#phases], ended: Date.now() };
  }

  #isWanted(): boolean {
    const { trace, summary, findings } = this.#options;
    const { env } = this.#host;
    const collector = env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
    return Boolean(trace || summary || collector) || findings.length > 0;
  }
}
