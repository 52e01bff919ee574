import type { OutputStream } from '../host/host.ts';
import { sanitizeText } from './sanitize.ts';

/**
 * The one place that decides what of us reaches a terminal. A string is text, much of it from images, registries and
 * Dockerfiles of others: control characters, escape sequences and marks that reorder text are made visible in it, whether
 * the stream is a terminal or a pipe (its reader may be `less -R`, or a CI whose log is a terminal later). A Uint8Array is
 * data (archives, what a container says) or has been made harmless piece by piece ({@link styled}), and stays as it is.
 */
export function withSafeText(stream: OutputStream): OutputStream {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? sanitizeText(chunk) : chunk, ...rest);
  return stream;
}

/** Text with colours or cursor movements of our own, for a stream as of {@link withSafeText}: all in it that is not ours is sanitized. */
export function styled(text: string): Uint8Array {
  return Buffer.from(text);
}
