import type { Worker } from 'node:worker_threads';
import type { DigestJob } from './digest-thread.ts';
import type { ReadAheadJob } from './read-ahead-thread.ts';

/** What a second thread may do. */
export type ThreadJob = DigestJob | ReadAheadJob;

/** Starts a thread; it is the caller's to end. Its program lies beside the bundle that this file is part of. */
export async function startThread(job: ThreadJob): Promise<Worker> {
  const { Worker: Thread } = await import('node:worker_threads');
  return new Thread(new URL('./file-thread.js', import.meta.url), {
    workerData: job,
    execArgv: [],
    env: {},
    // It keeps nothing, but would take what it can get for what it throws away.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
}
