import { parentPort, workerData } from 'node:worker_threads';
import { hashFilesOfJob } from './digest-thread.ts';
import { readFilesAhead } from './read-ahead-thread.ts';
import type { ThreadJob } from './start-thread.ts';

/** The program of the second thread: bundled as a file of its own, which `startThread` starts. */
const job = workerData as ThreadJob;
if (job.kind === 'digest') hashFilesOfJob(job);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
else readFilesAhead(job, (message) => parentPort?.postMessage(message));
