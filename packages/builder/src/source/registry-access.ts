import { RegistryClient, type RegistryOptions, type TransferEvent } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import { TransferReports } from './transfer-reports.ts';

/** The one registry client of a command: made when first needed, told of in events, closed at the end. */
export class RegistryAccess implements Disposable {
  readonly #options: RegistryOptions;
  readonly #reports: TransferReports;
  #client: RegistryClient | undefined;

  constructor(options: RegistryOptions, reporter: ProgressReporter) {
    this.#options = options;
    this.#reports = new TransferReports(reporter);
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

  #report({ kind, digest, transferred, total, done, note }: TransferEvent): void {
    const noted = note === undefined ? {} : { note };
    this.#reports.report(`${kind} ${digest}`, { kind, id: digest.slice(7, 19), transferred, total, done, ...noted });
  }

  [Symbol.dispose](): void {
    this.#client?.close();
  }
}
