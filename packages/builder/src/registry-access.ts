import { RegistryClient, type RegistryOptions } from '@tsbuild/oci/node';
import type { ProgressReporter } from './progress/reporter.ts';

/** The one registry client of a command: made when first needed, told of in events, closed at the end. */
export class RegistryAccess implements Disposable {
  readonly #options: RegistryOptions;
  readonly #reporter: ProgressReporter;
  #client: RegistryClient | undefined;

  constructor(options: RegistryOptions, reporter: ProgressReporter) {
    this.#options = options;
    this.#reporter = reporter;
  }

  readonly client = (): RegistryClient => {
    this.#client ??= new RegistryClient({
      ...this.#options,
      onProgress: (event) => {
        const { kind, transferred, total, done } = event;
        this.#reporter.report({ type: 'transfer', kind, id: event.digest.slice(7, 19), transferred, total, done });
        this.#options.onProgress?.(event);
      },
    });
    return this.#client;
  };

  [Symbol.dispose](): void {
    this.#client?.close();
  }
}
