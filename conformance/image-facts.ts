import { createHash } from 'node:crypto';
import type { ByteString, ImageConfig, TarEntry, TarMember } from '@tsbuild/oci';
import { fromArchive, readTar } from '@tsbuild/oci/node';

/** A file, folder or link as a layer tells of it. */
export interface FileFacts {
  readonly type: TarEntry['type'];
  readonly mode: number;
  readonly owner: string;
  readonly size: number;
  /** SHA-256 of the content, hexadecimal; empty for all but files. */
  readonly content: string;
  /** Target of a symbolic link. */
  readonly link: ByteString;
  readonly device: string;
  /** Extended attributes, name and hexadecimal value. */
  readonly xattrs: string;
  /** Whole seconds. */
  readonly mtime: number;
}

/** The merged tree: paths that are one file share one object. */
export type Tree = ReadonlyMap<ByteString, FileFacts>;

/** One layer. */
export interface LayerFacts {
  /** What it has entries for, markers of deletion left out. */
  readonly entries: Tree;
  /** What of the layers below it takes away: the topmost path of each, and only what is not there again. */
  readonly removed: readonly ByteString[];
  /** The tree below this layer. */
  readonly below: Tree;
}

/** All of an image that users can see. */
export interface ImageFacts {
  readonly config: ImageConfig;
  readonly layers: readonly LayerFacts[];
  readonly tree: Tree;
}

/** Reads an archive with one image, of an engine or of tsbuild. */
export async function readImageFacts(archive: string): Promise<ImageFacts> {
  const image = await fromArchive(archive);
  const layers: LayerFacts[] = [];
  let tree: Tree = new Map();
  for (const layer of image.layers) {
    const below = tree;
    const read = await readLayer(layer.open(), below);
    tree = merge(below, read);
    layers.push({ entries: read.entries, removed: removedPaths(below, tree), below });
  }
  return { config: image.config, layers, tree };
}

interface ReadLayer {
  readonly entries: Map<ByteString, FileFacts>;
  readonly deleted: readonly ByteString[];
  readonly emptied: readonly ByteString[];
}

async function readLayer(bytes: AsyncIterable<Uint8Array>, below: Tree): Promise<ReadLayer> {
  const entries = new Map<ByteString, FileFacts>();
  const deleted: ByteString[] = [];
  const emptied: ByteString[] = [];
  for await (const member of readTar(bytes, { allowNameless: true })) {
    const path = cleanPath(member.entry.path);
    if (path === '') continue;
    const slash = path.lastIndexOf('/') + 1;
    const [folder, name] = [path.slice(0, slash), path.slice(slash)];
    if (name === '.wh..wh..opq') emptied.push(folder);
    else if (name.startsWith('.wh.')) deleted.push(`${folder}${name.slice(4)}`);
    else entries.set(path, await factsOf(member, entries, below));
  }
  return { entries, deleted, emptied };
}

async function factsOf({ entry, content }: TarMember, entries: Tree, below: Tree): Promise<FileFacts> {
  const target = cleanPath(entry.linkPath);
  if (entry.type === 'hardlink') {
    // Docker from 29.7 on refuses such a layer.
    if (entry.linkPath.startsWith('/')) throw new Error(`${entry.path}: a hard link to an absolute path`);
    const linked = entries.get(target) ?? below.get(target);
    if (linked === undefined) throw new Error(`${entry.path}: a hard link to ${target}, which is not there`);
    return linked;
  }
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  const { type, uid, gid, size, mode, xattrs, devMajor, devMinor, mtime } = entry;
  return {
    type,
    // A symbolic link has none that means anything.
    mode: type === 'symlink' ? 0o777 : mode,
    owner: `${uid}:${gid}`,
    size,
    content: type === 'file' ? hash.digest('hex') : '',
    link: type === 'symlink' ? entry.linkPath : '',
    device: type === 'char' || type === 'block' ? `${devMajor}:${devMinor}` : '',
    xattrs: [...(xattrs ?? [])].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`).join(),
    mtime: mtime.seconds,
  };
}

function merge(below: Tree, { entries, deleted, emptied }: ReadLayer): Tree {
  const tree = new Map(below);
  const drop = (isGone: (path: ByteString) => boolean): void => {
    for (const path of tree.keys()) if (isGone(path)) tree.delete(path);
  };
  for (const folder of emptied) drop((path) => path.startsWith(folder));
  for (const gone of deleted) drop((path) => path === gone || path.startsWith(`${gone}/`));
  for (const [path, facts] of entries) {
    if (facts.type !== 'directory') drop((other) => other.startsWith(`${path}/`));
    tree.set(path, facts);
  }
  return tree;
}

function removedPaths(below: Tree, after: Tree): readonly ByteString[] {
  const gone = [...below.keys()].filter((path) => !after.has(path));
  const all = new Set(gone);
  return gone.filter((path) => !all.has(path.slice(0, Math.max(0, path.lastIndexOf('/'))))).toSorted();
}

function cleanPath(path: ByteString): ByteString {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
