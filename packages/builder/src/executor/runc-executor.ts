import type { Executor, RunOutput, RunResult, RunSpec } from './executor.ts';

/** An OCI runtime of this machine. */
export interface Runtime {
  readonly kind: 'runc' | 'crun';
  readonly path: string;
}

/** The OCI runtime to use, runc before crun. */
export function findRuntime(): Runtime | undefined {
  return undefined;
}

/** Runs commands with runc or crun. */
export class RuncExecutor implements Executor {
  readonly name = 'runc';
  constructor(options: { readonly scratch: string; readonly runtime: Runtime }) {
    throw new Error(`not there yet: ${options.scratch}`);
  }
  run(spec: RunSpec, output: RunOutput, signal: AbortSignal): Promise<RunResult> {
    throw new Error(`not there yet: ${spec.argv.join(' ')} ${typeof output} ${typeof signal}`);
  }
}
