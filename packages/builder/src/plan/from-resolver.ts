import type { SourceTree } from '../context/source-tree.ts';
import type { Instruction } from '../dockerfile/instruction.ts';
import type { BuildVertex } from './plan.ts';

/** Where COPY or a mount takes files from: the build context or a named one, or the filesystem of a stage or image. */
export type FilesFrom =
  | { readonly kind: 'context'; readonly tree: () => SourceTree; readonly name?: string }
  | { readonly kind: 'stage'; readonly rootfs: BuildVertex };

/** Finds the files that `COPY --from=NAME` or `from=NAME` of a mount means, as seen from the stage being lowered. */
export type FromResolver = (from: string, instruction: Instruction) => FilesFrom;
