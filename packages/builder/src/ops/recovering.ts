import { FileChanged } from '../context/context-error.ts';
import type { SourceTree } from '../context/source-tree.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { StepOutdated } from '../solver/vertex.ts';
import { locate } from './locate.ts';

/** Lets the contexts that a step reads look again at a file that changed meanwhile, and the step be prepared anew. */
export function recovering<T>(
  range: SourceRange,
  contexts: readonly (() => SourceTree)[],
  work: () => Promise<T>,
): Promise<T> {
  return locate(range, async () => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof FileChanged)) throw error;
      const trees = contexts.map((tree) => tree()).filter((tree) => tree.recover !== undefined);
      if (trees.length === 0) throw error;
      for (const tree of trees) tree.recover?.(error.path);
      throw new StepOutdated(error.at(range));
    }
  });
}
