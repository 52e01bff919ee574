import { BuildError } from '../diagnostics/build-error.ts';
import type { RunOutput, RunResult } from './executor.ts';

/** How runc begins what it says about a command that it could not start. */
export const RUN_FAILURE = 'runc run failed: ';

/**
 * Says why the command could not be started, in the words users know, and gives the exit code that a shell would.
 * @throws BuildError when the sandbox itself was at fault
 */
export function runtimeFailure(failure: string, output: RunOutput, said: readonly string[], argv0: string): RunResult {
  const text = failure || (said.at(-1) ?? '');
  const exec = /exec: ("(?:[^"\\]|\\.)*": .*?)"?$/.exec(text.replaceAll('\\"', '"'));
  if (exec !== null) {
    const reason = exec[1] ?? '';
    void output.stderr(Buffer.from(`exec: ${reason}\n`));
    return { exitCode: /not found|no such file/.test(reason) ? 127 : 126, startFailure: `exec: ${reason}` };
  }
  if (/chdir to cwd|cwd/.test(text)) {
    const reason = /: ([^:]*)$/.exec(text)?.[1] ?? text;
    throw new BuildError('RUN_FAILED', `cannot change to the working directory of ${argv0}: ${reason}`, {
      output: said,
    });
  }
  throw new BuildError('SANDBOX_UNAVAILABLE', `the container runtime failed: ${text}`, {
    output: said,
    hint: 'Use --isolation namespaces, which needs no runtime.',
  });
}
