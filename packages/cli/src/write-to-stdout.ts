import type { Host } from './host.ts';

/** Writes bulk data to standard output at the reader's pace, and leaves the stream open. */
export async function writeToStdout(content: AsyncIterable<Uint8Array>, host: Host): Promise<void> {
  for await (const chunk of content) {
    host.signal.throwIfAborted();
    if (!host.stdout.write(chunk)) await drained(host);
  }
}

async function drained(host: Host): Promise<void> {
  const { stdout, signal } = host;
  if (!stdout.writableNeedDrain) return;
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      stdout.off('drain', settle);
      signal.removeEventListener('abort', settle);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    stdout.on('drain', settle);
    signal.addEventListener('abort', settle);
  });
}
