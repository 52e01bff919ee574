import type { ByteString } from '@tsbuild/oci';
import type { SourceEntry, SourceReader, SourceTree } from '../src/context/source-tree.ts';

/**
 * A {@link SourceTree} written down in a test, one entry per line:
 * `file PATH [mode=644] [mtime=SECONDS] [hardlink=KEY] TEXT…` · `dir PATH [mode=755]` · `symlink PATH -> TARGET` · `fifo PATH` · `socket PATH`.
 */
export class MemoryTree implements SourceTree {
  static of(_description: string): MemoryTree {
    throw new Error('not implemented');
  }

  lookup(_path: ByteString): SourceEntry | undefined {
    throw new Error('not implemented');
  }

  list(_directory: ByteString): readonly SourceEntry[] {
    throw new Error('not implemented');
  }

  resolve(_path: ByteString): ByteString | undefined {
    throw new Error('not implemented');
  }

  contentSha256(_entry: SourceEntry): string {
    throw new Error('not implemented');
  }

  knownSha256(_entry: SourceEntry): string | undefined {
    throw new Error('not implemented');
  }

  remember(_entry: SourceEntry, _sha256: string): void {
    throw new Error('not implemented');
  }

  open(_entry: SourceEntry): SourceReader {
    throw new Error('not implemented');
  }
}
