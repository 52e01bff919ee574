import type { Executor, RunOutput, RunResult, RunSpec } from './executor.ts';

/** Runs commands with util-linux alone. */
export class NamespacesExecutor implements Executor {
  readonly name = 'namespaces';
  constructor(options: { readonly scratch: string }) {
    throw new Error(`not there yet: ${options.scratch}`);
  }
  run(spec: RunSpec, output: RunOutput, signal: AbortSignal): Promise<RunResult> {
    throw new Error(`not there yet: ${spec.argv.join(' ')} ${typeof output} ${typeof signal}`);
  }
}
