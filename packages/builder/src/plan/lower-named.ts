import type { SourceTree } from '../context/source-tree.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { copyStep } from '../ops/copy/copy.ts';
import { EMPTY_ROOTFS } from '../ops/rootfs.ts';
import type { BuildStep } from './plan.ts';
import type { LoweringContext } from './stage-state.ts';

/** The files of a named context as a filesystem, where only one will do: the base of a stage, the start of a cache mount. */
export function contextStep(
  id: string,
  tree: () => SourceTree,
  range: SourceRange,
  { dependencies, ignoreCache }: LoweringContext,
): BuildStep {
  return copyStep(
    {
      id,
      range,
      parent: { kind: 'constant', value: EMPTY_ROOTFS },
      from: { kind: 'context', tree },
      sources: [{ kind: 'paths', pattern: '.', unpack: false }],
      destination: '/',
      workingDirectory: '/',
      chown: undefined,
      chmod: undefined,
      excludes: [],
      parents: false,
      link: false,
      ignoreCache,
    },
    dependencies,
  );
}
