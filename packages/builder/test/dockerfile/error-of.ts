import { BuildError } from '../../src/diagnostics/build-error.ts';

/** The BuildError that `run` throws, undefined when it returns. Every other error is a bug and passes through. */
export function errorOf(run: () => unknown): BuildError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof BuildError) return error;
    throw error;
  }
}
