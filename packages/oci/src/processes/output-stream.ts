import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Sink } from './output-file.ts';

/** A sink that writes to a stream at its reader's pace and leaves it open. Rejects with the signal's reason when aborted. */
export function streamSink(stream: Writable, signal: AbortSignal): Sink {
  return async (chunk) => {
    signal.throwIfAborted();
    if (!stream.write(chunk)) await drained(stream, signal);
  };
}

async function drained(stream: Writable, signal: AbortSignal): Promise<void> {
  if (!stream.writableNeedDrain) return;
  try {
    await once(stream, 'drain', { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
