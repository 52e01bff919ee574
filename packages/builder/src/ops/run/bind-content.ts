import { type ByteString, IMPLIED_DIRECTORY, type TarTime, utf8ToByteString } from '@tsbuild/oci';
import type { LayerWriter, NewLayerEntry } from '@tsbuild/oci/node';
import { fileChanged } from '../../context/context-error.ts';
import type { SourceEntry, SourceTree } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import { printablePath } from '../listing.ts';

/** The name under which {@link writeBindLayer} puts what a mount shows. */
export const CONTENT = 'content';

/** A path of a tree with what is there. */
export interface BindContent {
  readonly path: ByteString;
  readonly entry: SourceEntry;
}

/**
 * What `source=` means: a path from the tree's root, every symlink resolved inside that (CVE-2024-1753, CVE-2024-23651).
 * @throws BuildError `SOURCE_NOT_FOUND` in BuildKit's words
 */
export function findBindContent(tree: SourceTree, source: string): BindContent {
  const names = source.split('/').reduce<string[]>((path, name) => {
    if (name === '..') path.pop();
    else if (name !== '' && name !== '.') path.push(name);
    return path;
  }, []);
  const path = tree.resolve(utf8ToByteString(names.join('/')));
  const entry = path === undefined ? undefined : (tree.lookup(path) ?? (path === '' ? IMPLIED_DIRECTORY : undefined));
  if (path === undefined || entry === undefined || (entry.type !== 'directory' && entry.type !== 'file')) {
    throw new BuildError('SOURCE_NOT_FOUND', `"/${names.join('/')}": not found`, {
      hint: 'source= is a path relative to the root of the build context, or of the stage or image named by from=.',
    });
  }
  return { path, entry };
}

/** What is below `content`, itself included, parents first; sockets, which nothing can copy, are left out. */
function* walk(tree: SourceTree, { path, entry }: BindContent): Generator<{ name: ByteString; entry: SourceEntry }> {
  const pending = [{ name: '', entry }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.entry.type === 'socket') continue;
    yield next;
    if (next.entry.type !== 'directory') continue;
    const at = next.name === '' ? path : next.entry.path;
    for (const child of tree.list(at).toReversed()) {
      const base = child.path.slice(child.path.lastIndexOf('/') + 1);
      pending.push({ name: next.name === '' ? base : `${next.name}/${base}`, entry: child });
    }
  }
}

/** The content of a mount as text, one line a path: its digest is the mount's part of the key, and times never are. */
export function bindListing(tree: SourceTree, content: BindContent): string {
  const firstNames = new Map<string, ByteString>();
  let text = '';
  for (const { name, entry } of walk(tree, content)) {
    const { mode, uid, gid } = entry;
    text += `${describe(tree, name, entry, firstNames)} ${mode.toString(8).padStart(4, '0')} ${uid}:${gid} /${printablePath(name)}\n`;
  }
  return text;
}

function describe(tree: SourceTree, name: ByteString, entry: SourceEntry, firstNames: Map<string, ByteString>): string {
  switch (entry.type) {
    case 'file': {
      const first = firstName(name, entry, firstNames);
      return first === undefined
        ? `file ${tree.contentSha256(entry)}`
        : `hardlink ${JSON.stringify(printablePath(first))}`;
    }
    case 'symlink':
      return `symlink ${JSON.stringify(printablePath(entry.linkPath))}`;
    case 'char':
    case 'block':
      return `${entry.type} ${entry.devMajor}:${entry.devMinor}`;
    default:
      return entry.type;
  }
}

/** The name under which the same file was met before. */
function firstName(name: ByteString, entry: SourceEntry, firstNames: Map<string, ByteString>): ByteString | undefined {
  if (entry.hardLinkKey === undefined) return undefined;
  const first = firstNames.get(entry.hardLinkKey);
  if (first === undefined) firstNames.set(entry.hardLinkKey, name);
  return first;
}

/**
 * Writes what a mount shows of the build context as a layer, all of it below {@link CONTENT}: so a command sees the very
 * files that its key says, whatever happens to the context meanwhile, and nothing that `.dockerignore` leaves out.
 * @param epoch `SOURCE_DATE_EPOCH`: a checkout's times say nothing, so every file gets this one
 */
export async function writeBindLayer(
  tree: SourceTree,
  content: BindContent,
  writer: LayerWriter,
  epoch: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const firstNames = new Map<string, ByteString>();
  for (const { name, entry } of walk(tree, content)) {
    signal.throwIfAborted();
    const path = name === '' ? CONTENT : `${CONTENT}/${name}`;
    const mtime: TarTime = { seconds: epoch ?? entry.mtime.seconds, nanoseconds: 0 };
    const common = { path, mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime };
    const first = entry.type === 'file' ? firstName(path, entry, firstNames) : undefined;
    if (first !== undefined) writer.add({ ...common, type: 'hardlink', linkPath: first });
    else if (entry.type === 'file') await writeFile(tree, entry, writer, common);
    else if (entry.type !== 'socket') {
      const { type, linkPath, devMajor, devMinor } = entry;
      writer.add({
        ...common,
        type,
        ...(type === 'symlink' ? { linkPath } : {}),
        ...(isDevice(entry) ? { devMajor, devMinor } : {}),
      });
    }
  }
}

async function writeFile(
  tree: SourceTree,
  entry: SourceEntry,
  writer: LayerWriter,
  common: Omit<NewLayerEntry, 'type'>,
): Promise<void> {
  const known = tree.knownSha256(entry);
  const file = tree.open(entry);
  try {
    const sha256 = await writer.addFile({ ...common, type: 'file', size: entry.size }, (buffer) => file.read(buffer));
    if (known === undefined || known === sha256) return;
  } finally {
    file.close();
  }
  throw fileChanged(entry.path, 'changed during the build');
}

function isDevice({ type }: SourceEntry): boolean {
  return type === 'char' || type === 'block';
}
