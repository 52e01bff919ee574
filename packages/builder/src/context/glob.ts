import { type ByteString, byteStringToUtf8 } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import { cleanFilePath } from './clean-path.ts';
import { PatternSyntaxError } from './name-pattern.ts';
import { accepts, advance, compileRoute, compileRoutes, type Positions, type PatternRoute, startOf } from './route.ts';
import type { SourceEntry, SourceTree } from './source-tree.ts';

/** Whether a COPY source is a pattern: it holds a `*`, `?` or `[` that no backslash escapes. */
export function hasWildcard(pattern: ByteString): boolean {
  return /^(?:[^\\*?[]|\\.)*[*?[]/s.test(pattern);
}

/** Choices of {@link matchGlob}. */
export interface GlobOptions {
  /** `**` means any number of directories (COPY `--parents`); otherwise it is no more than `*`. */
  readonly anyDepth?: boolean;
}

/**
 * The paths of `tree` that a COPY source with wildcards names, by Go's `filepath.Match`, in the order of a walk (the
 * names of each directory by bytes). A directory that matches stands for all it holds: nothing below it is listed.
 * `..` is taken out by text and stops at the root. Symlinks are followed in front of the first wildcard only, and the
 * paths come back with them resolved.
 * @throws BuildError `COPY_FAILED` on a malformed pattern.
 */
export function matchGlob(tree: SourceTree, pattern: ByteString, options: GlobOptions = {}): ByteString[] {
  const names = cleanFilePath(`/${pattern}`).slice(1).split('/');
  const firstWild = names.findIndex(hasWildcard);
  const plain = firstWild < 0 ? names : names.slice(0, firstWild);
  const base = tree.resolve(plain.join('/'));
  const routes = firstWild < 0 ? [] : compile(names.slice(firstWild).join('/'), pattern, options.anyDepth ?? false);
  if (base === undefined) return [];
  if (firstWild < 0) return [base];
  const found: ByteString[] = [];
  collect(
    tree,
    base,
    routes.map((route) => ({ route, positions: startOf(route) })),
    found,
  );
  return found;
}

function compile(wild: ByteString, pattern: ByteString, anyDepth: boolean): readonly PatternRoute[] {
  try {
    return anyDepth ? compileRoutes(wild) : [compileRoute(wild)];
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    throw new BuildError('COPY_FAILED', `${error.message}: ${JSON.stringify(byteStringToUtf8(pattern))}`, {
      hint: 'Write "[[]" for a "[" in a name.',
      cause: error,
    });
  }
}

interface Standing {
  readonly route: PatternRoute;
  readonly positions: Positions;
}

function collect(tree: SourceTree, directory: ByteString, routes: readonly Standing[], into: ByteString[]): void {
  for (const entry of tree.list(directory)) {
    const name = nameOf(entry);
    if (routes.some(({ route, positions }) => accepts(route, positions, name))) {
      into.push(entry.path);
    } else if (entry.type === 'directory') {
      const below = routes.map(({ route, positions }) => ({ route, positions: advance(route, positions, name) }));
      const live = below.filter(({ positions }) => positions.length > 0);
      if (live.length > 0) collect(tree, entry.path, live, into);
    }
  }
}

function nameOf(entry: SourceEntry): ByteString {
  return entry.path.slice(entry.path.lastIndexOf('/') + 1);
}
