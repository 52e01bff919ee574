import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BuildOptions } from './build-options.ts';
import { ContextTree } from './context/context-tree.ts';
import { readIgnoreFile } from './context/ignore-file.ts';
import type { SourceTree } from './context/source-tree.ts';
import { StatCache } from './context/stat-cache.ts';
import { BuildError } from './errors.ts';
import { EarlierCopies } from './ops/earlier-copies.ts';
import type { Store } from './store.ts';

/** The build context of one build. */
export interface BuildContext {
  /** Opened when the first COPY asks: `.dockerignore` is read then, and nothing at all before. */
  readonly tree: () => SourceTree;
  /** The layers that were copied from it before. */
  readonly copies: EarlierCopies;
  /** Keeps the digests learnt for the next build. */
  save(notice: (message: string) => void): void;
}

/**
 * Checks that the context is a directory, and prepares to read it. File digests are remembered per context directory.
 * @throws BuildError `CONTEXT_INVALID`
 */
export function openBuildContext(options: BuildOptions, store: Store): BuildContext {
  const root = resolve(options.context);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BuildError('CONTEXT_INVALID', `the build context ${options.context} is not a directory`, {
      hint: 'the last argument of build names the directory that COPY reads from, most often `.`',
    });
  }
  let cache: StatCache | undefined;
  let tree: ContextTree | undefined;
  const kept = join(store.directory('stat'), createHash('sha256').update(root).digest('hex'));
  return {
    copies: new EarlierCopies(`${kept}.layers`, store.layout.blobs, store.indexes),
    tree: () => {
      if (tree === undefined) {
        cache = StatCache.open(root, kept);
        const ignore = readIgnoreFile(root, options.dockerfile ?? join(root, 'Dockerfile'));
        tree = ContextTree.open(root, ignore?.matcher, cache);
      }
      return tree;
    },
    save: (notice) => {
      const problem = cache?.save();
      if (problem !== undefined) notice(problem.message);
    },
  };
}
