import type { ByteString } from '@tsbuild/oci';
import type { SourceTree } from './source-tree.ts';

/** Whether a COPY source is a pattern: holds `*`, `?` or `[` that no backslash escapes. */
export function hasWildcard(_pattern: ByteString): boolean {
  throw new Error('not implemented');
}

/** The paths of `tree` that the pattern names, in walk order. @throws BuildError `COPY_FAILED` on a malformed pattern. */
export function matchGlob(
  _tree: SourceTree,
  _pattern: ByteString,
  _options: { readonly anyDepth?: boolean } = {},
): ByteString[] {
  throw new Error('not implemented');
}
