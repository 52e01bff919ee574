import { OciError } from '@tsbuild/oci';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';

/** Runs a step's work; errors about its input get the instruction's place, so that the frame can be drawn. */
export async function locate<T>(range: SourceRange, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BuildError) throw error.at(range);
    if (error instanceof OciError && error.code === 'LAYER_INVALID') {
      throw new BuildError('LAYER_INVALID', error.message, { range, cause: error });
    }
    throw error;
  }
}
