import type { ProgressEvent, ProgressReporter } from '@tsbuild/builder';
import type { Diagnostic } from './diagnostic.ts';
import { sanitizeText } from './sanitize.ts';

type Decoder = InstanceType<typeof TextDecoder>;

/** A failed build, as the last line of the json output. */
interface ErrorEvent {
  readonly type: 'error';
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** Where in the Dockerfile; lines count from 1, columns from 0. */
  readonly range?: unknown;
}

/**
 * Progress as one JSON object a line. Every line has `type`; the fields are those of the builder's progress events
 * (times in milliseconds since 1970, durations in milliseconds, sizes in bytes), except that `step-output` has `text`,
 * the output decoded as UTF-8, in place of raw bytes, and `check-warning` has `file`, the Dockerfile's name. `image-pushed` tells `reference`, `digest` and `size` of the manifest
 * for each name that `build --push` has pushed. Control characters are always escaped. A build that fails ends
 * with a line of type `error`. An interface: docs/progress-events.md.
 */
export class JsonProgress implements ProgressReporter {
  readonly #write: (text: string) => void;
  readonly #decoders = new Map<string, Decoder>();

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  report(event: ProgressEvent): void {
    if (event.type === 'check-warning') {
      const { source, ...fields } = event;
      return this.#line({ ...fields, file: source.name });
    }
    if (event.type !== 'step-output') return this.#line(event);
    const { chunk, ...fields } = event;
    const text = this.#decoder(`${event.stream} ${event.id}`).decode(chunk, { stream: true });
    if (text !== '') this.#line({ ...fields, text });
  }

  /** A name that the image has got in a registry. */
  pushed(image: { readonly reference: string; readonly digest: string; readonly size: number }): void {
    this.#line({ type: 'image-pushed', ...image });
  }

  /** The line that a failed build ends with. */
  fail(diagnostic: Diagnostic): void {
    const event: ErrorEvent = {
      type: 'error',
      code: diagnostic.code,
      message: diagnostic.message,
      ...(diagnostic.hint === undefined ? {} : { hint: diagnostic.hint }),
      ...(diagnostic.frame === undefined ? {} : { range: diagnostic.frame.range }),
    };
    this.#line(event);
  }

  #line(value: unknown): void {
    this.#write(`${sanitizeText(JSON.stringify(value))}\n`);
  }

  #decoder(key: string): Decoder {
    const known = this.#decoders.get(key) ?? new TextDecoder('utf-8');
    this.#decoders.set(key, known);
    return known;
  }
}
