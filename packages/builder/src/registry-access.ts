import { RegistryClient, type RegistryOptions, type TransferEvent } from '@tsbuild/oci/node';
import type { ProgressReporter } from './progress/reporter.ts';

/** Milliseconds between two events of one transfer. */
const REPORT_EVERY = 100;

/** The one registry client of a command: made when first needed, told of in events, closed at the end. */
export class RegistryAccess implements Disposable {
  readonly #options: RegistryOptions;
  readonly #reporter: ProgressReporter;
  readonly #reported = new Map<string, number>();
  #client: RegistryClient | undefined;

  constructor(options: RegistryOptions, reporter: ProgressReporter) {
    this.#options = options;
    this.#reporter = reporter;
  }

  readonly client = (): RegistryClient => {
    this.#client ??= new RegistryClient({
      ...this.#options,
      onProgress: (event) => {
        this.#report(event);
        this.#options.onProgress?.(event);
      },
    });
    return this.#client;
  };

  /** A chunk arrives every millisecond; nobody looks so often. */
  #report({ kind, digest, transferred, total, done, note }: TransferEvent): void {
    const blob = `${kind} ${digest}`;
    const now = performance.now();
    if (!done && now - (this.#reported.get(blob) ?? 0) < REPORT_EVERY) return;
    this.#reported.set(blob, now);
    const noted = note === undefined ? {} : { note };
    this.#reporter.report({ type: 'transfer', kind, id: digest.slice(7, 19), transferred, total, done, ...noted });
  }

  [Symbol.dispose](): void {
    this.#client?.close();
  }
}
