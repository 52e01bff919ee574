import type { BlobStore, ByteString } from '@tsbuild/oci';
import { rangeReader } from '@tsbuild/oci/internal';
import { type RootfsTree } from '@tsbuild/oci/node';

/** No file that is read to look up a user is sensibly larger; one that is was made to hurt (CVE-2024-9676). */
const LIMIT = 1024 * 1024;

/**
 * The content of a small file of a filesystem value, read from its layer's blob: nothing is unpacked or mounted, and no
 * link leads outside. Undefined when it is missing, no regular file, or larger than 1 MiB.
 */
export function readTreeFile(tree: RootfsTree, blobs: BlobStore, path: ByteString): Buffer | undefined {
  const resolved = tree.resolve(path);
  const entry = resolved === undefined ? undefined : tree.lookup(resolved);
  if (entry === undefined || entry.type !== 'file' || entry.size > LIMIT) return undefined;
  const content = Buffer.alloc(entry.size);
  const reader = blobs.openReader(entry.layer);
  try {
    const file = rangeReader(reader, entry);
    let filled = 0;
    while (filled < content.length) {
      const count = file.read(content.subarray(filled));
      if (count === 0) break;
      filled += count;
    }
    return content.subarray(0, filled);
  } finally {
    reader.close();
  }
}
