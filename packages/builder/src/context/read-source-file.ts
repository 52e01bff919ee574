import { utf8ToByteString } from '@tsbuild/oci';
import type { SourceTree } from './source-tree.ts';

/**
 * The content of a small file of a tree; symlinks are followed inside it. Undefined when there is none, or it is larger
 * than `limit` bytes.
 */
export function readSourceFile(tree: SourceTree, path: string, limit: number): Buffer | undefined {
  const resolved = tree.resolve(utf8ToByteString(path));
  const entry = resolved === undefined ? undefined : tree.lookup(resolved);
  if (entry === undefined || entry.type !== 'file' || entry.size > limit) return undefined;
  const content = Buffer.alloc(entry.size);
  const reader = tree.open(entry);
  try {
    let filled = 0;
    while (filled < content.length) {
      const count = reader.read(content.subarray(filled));
      if (count === 0) break;
      filled += count;
    }
    return content.subarray(0, filled);
  } finally {
    reader.close();
  }
}
