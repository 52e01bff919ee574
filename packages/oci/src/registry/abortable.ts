import { setMaxListeners } from 'node:events';

/** Calls `leave` when the signal is aborted; the result takes that back. */
export function onAbort(signal: AbortSignal | undefined, leave: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {};
  // One signal for a hundred transfers is how it should be, and no leak that Node would have to warn of.
  setMaxListeners(0, signal);
  const listener = (): void => leave(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** Waits for work that is shared with others: an aborted caller leaves, the work goes on. Rejects with the signal's reason. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted();
  return await new Promise<T>((resolve, reject) => {
    const stay = onAbort(signal, reject);
    work.then(resolve, reject).finally(stay);
  });
}
