import type { Executor } from './executor.ts';

/** The values of `--isolation`. */
export type Isolation = 'auto' | 'runc' | 'namespaces';

/** What an executor needs of its surroundings. */
export interface ExecutorOptions {
  /** A directory of the store for mount points; made when missing, nothing is ever left in it but itself. */
  readonly scratch: string;
}

/**
 * The executor that this machine can run.
 * @throws BuildError `SANDBOX_UNAVAILABLE` saying what is missing and how to get it
 */
export function selectExecutor(isolation: Isolation, options: ExecutorOptions): Promise<Executor> {
  throw new Error(`not there yet: ${isolation} ${options.scratch}`);
}
