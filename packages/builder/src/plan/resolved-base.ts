import type { SourceTree } from '../context/source-tree.ts';
import type { ResolvedImage } from '../source/source.ts';

/** A named context that is no image: files without a configuration. */
export interface NamedFiles {
  readonly name: string;
  /** Undefined for nothing at all, which is `scratch`. */
  readonly tree: (() => SourceTree) | undefined;
}

/** What a name in FROM or `--from` that is no stage turned out to be. */
export type ResolvedBase = ResolvedImage | NamedFiles;

/** Whether these are files alone. */
export function isNamedFiles(base: ResolvedBase): base is NamedFiles {
  return 'tree' in base;
}
