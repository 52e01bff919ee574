import { hash } from 'node:crypto';
import { MemoryBlobStore } from '../../packages/oci/src/blob/memory.ts';
import { readBlob } from '../../packages/oci/src/blob/read-blob.ts';
import type { FileReader } from '../../packages/oci/src/layer/file-reader.ts';
import { baseName, joinPath, parentPath } from '../../packages/oci/src/layer/layer-path.ts';
import { indexLayer } from '../../packages/oci/src/layer/read-layer.ts';
import { RootfsTree } from '../../packages/oci/src/layer/rootfs-tree.ts';
import type { RootfsLayer } from '../../packages/oci/src/layer/rootfs-tree.ts';
import { compareTrees, filesOf, NO_FILES } from '../../packages/oci/src/layer/tree-comparison.ts';
import type { FileTree, TreeEntry } from '../../packages/oci/src/layer/tree-comparison.ts';
import { LayerWriter } from '../../packages/oci/src/layer/write.ts';
import { layerDifference, writeDifference } from '../../packages/oci/src/layer/write-difference.ts';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import { Data, dataSeeds } from '../data.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { BrokenPromise, isRefusal, mustHold, pureTarget } from '../target.ts';

/** Names that sort in surprising ways, hide, or are no UTF-8. */
const NAMES = ['a', 'b', 'a-b', 'a.b', '\xff\xfe', '..a', 'a\nb', '0', '.wh', 'x'.repeat(120)];
const KINDS = ['file', 'file', 'file', 'directory', 'directory', 'symlink', 'link', 'char', 'fifo'] as const;

type Node = TreeEntry & { readonly content: string };

/** A file tree in memory, made of bytes. */
class MemoryTree implements FileTree<Node> {
  readonly #nodes = new Map<string, Node>();

  constructor(data: Data) {
    for (let left = data.below(16); left > 0 && !data.ended; left--) this.#add(data);
  }

  list(directory: string): readonly Node[] {
    return [...this.#nodes.values()]
      .filter(({ path }) => parentPath(path) === directory && path !== '')
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  contentSha256({ content }: Node): string {
    return hash('sha256', Buffer.from(content, 'latin1'));
  }

  open({ content }: Node): FileReader {
    let rest = Buffer.from(content, 'latin1');
    const read = (buffer: Uint8Array): number => {
      const length = rest.copy(buffer);
      rest = rest.subarray(length);
      return length;
    };
    return { read, close: () => {} };
  }

  #add(data: Data): void {
    let path = '';
    for (let depth = data.below(3); depth > 0; depth--) {
      path = joinPath(path, data.pick(NAMES));
      const above = this.#nodes.get(path);
      if (above === undefined) this.#nodes.set(path, nodeOf(path, 'directory', data));
      else if (above.type !== 'directory') return;
    }
    path = joinPath(path, data.pick(NAMES));
    if (this.#nodes.has(path)) return;
    const kind = data.pick(KINDS);
    const files = [...this.#nodes.values()].filter(({ type }) => type === 'file');
    if (kind !== 'link') this.#nodes.set(path, nodeOf(path, kind, data));
    else if (files.length > 0) {
      const file = data.pick(files);
      const named = { ...file, hardLinkKey: file.hardLinkKey ?? `key of ${file.path}` };
      this.#nodes.set(file.path, named);
      this.#nodes.set(path, { ...named, path });
    }
  }
}

function nodeOf(path: string, type: TreeEntry['type'], data: Data): Node {
  const content = type === 'file' ? data.pick(['', 'a', 'b', 'c'.repeat(600)]) : '';
  return {
    path,
    type,
    content,
    mode: data.pick([0o644, 0o755, 0o4711, 0]),
    uid: data.pick([0, 1000, 3_000_000]),
    gid: data.pick([0, 1000]),
    size: content.length,
    mtime: { seconds: data.pick([0, 1, 1_700_000_000, -5]), nanoseconds: data.pick([0, 5]) },
    linkPath: type === 'symlink' ? data.pick(['a', '/a', '../b', baseName(path)]) : '',
    devMajor: type === 'char' ? 1 : 0,
    devMinor: type === 'char' ? data.pick([3, 5]) : 0,
    ...(data.below(6) === 0 && type === 'file' && { xattrs: new Map([['user.a', Uint8Array.of(data.byte())]]) }),
  };
}

async function layerBetween<B extends TreeEntry>(before: FileTree<B>, after: MemoryTree): Promise<RootfsLayer> {
  const blobs = new MemoryBlobStore();
  const writer = new LayerWriter(await blobs.create());
  await writeDifference(layerDifference(await compareTrees(before, after)), writer, (entry) => after.open(entry));
  const { index, ...info } = await writer.finish();
  const bytes = await readBlob(blobs, info);
  const read = await indexLayer(chunked(bytes));
  const [written, found] = [index, read.index].map((one) => JSON.stringify([...one.entries()]));
  mustHold(written === found, `the writer's index is not the reader's: ${written} ${found}`);
  return { index, info };
}

/** Every one of these trees can be a layer, so nothing may be refused. */
async function neverRefused<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new BrokenPromise(`a good tree is refused: ${error.message}`);
  }
}

async function compared(input: Uint8Array): Promise<string> {
  const data = new Data(input);
  const [before, after] = [new MemoryTree(data), new MemoryTree(data)];
  const lower = await layerBetween(NO_FILES, before);
  const first = filesOf(new RootfsTree([lower]));
  mustHold((await compareTrees(first, before)).changes.length === 0, 'the first tree did not become a layer');
  const upper = await layerBetween(first, after);
  const { changes } = await compareTrees(filesOf(new RootfsTree([lower, upper])), after);
  const shown = changes.map(({ kind, path, fields }) => [kind, path, ...fields].join(' '));
  mustHold(changes.length === 0, `difference and application disagree: ${shown.join('; ')}`);
  return `${upper.index.length}`;
}

/** The difference of two trees, applied to the first, gives the second. */
export const differ = pureTarget('differ', {
  seeds: () => dataSeeds(60, 300),
  mutate: mutateBytes,
  run: (input) => neverRefused(() => compared(input)),
});
