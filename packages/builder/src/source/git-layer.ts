import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { BlobWriter, ByteString } from '@tsbuild/oci';
import { LayerWriter, type WrittenLayer } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';

/** A checked out commit on disk. */
export interface GitDirectory {
  readonly directory: string;
  /** The folder whose files are wanted, relative; empty for all. */
  readonly folder: string;
  readonly keepGitDir: boolean;
  /** The commit's time, seconds since 1970: all files get it, as git knows no others. */
  readonly seconds: number;
}

/**
 * Writes the files of a commit as a layer: root's, 0644 or 0755. No symlink is followed.
 * @throws BuildError `SOURCE_NOT_FOUND` when the folder is none, or behind a symlink
 */
export async function writeCheckout(checkout: GitDirectory, sink: BlobWriter): Promise<WrittenLayer> {
  const writer = new LayerWriter(sink);
  try {
    const root = Buffer.from(`${checkout.directory}/`);
    const folder = Buffer.from(checkout.folder).toString('latin1');
    checkFolder(root, folder, checkout.folder);
    for (const path of pathsBelow(root, folder, checkout.keepGitDir)) await add(writer, checkout, root, folder, path);
    return await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** A folder that a symlink stands in for could be anything of this machine. */
function checkFolder(root: Buffer, folder: ByteString, shown: string): void {
  if (folder === '') return;
  const names = folder.split('/');
  for (let depth = 1; depth <= names.length; depth++) {
    const at = lstatSync(host(root, names.slice(0, depth).join('/')), { throwIfNoEntry: false });
    if (at?.isDirectory() === true && !names.includes('.git')) continue;
    const what = at?.isSymbolicLink() === true ? 'leads through a symlink' : 'is not a directory of the repository';
    throw new BuildError('SOURCE_NOT_FOUND', `subdir ${JSON.stringify(shown)} ${what}`);
  }
}

function pathsBelow(root: Buffer, folder: ByteString, keepGitDir: boolean): ByteString[] {
  const found: ByteString[] = [];
  const visit = (directory: ByteString): void => {
    for (const entry of readdirSync(host(root, directory), { withFileTypes: true, encoding: 'buffer' })) {
      const name = entry.name.toString('latin1');
      if (name === '.git' && !keepGitDir) continue;
      const path = directory === '' ? name : `${directory}/${name}`;
      if (isVolatile(path)) continue;
      found.push(path);
      if (entry.isDirectory()) visit(path);
    }
  };
  visit(folder);
  return found.toSorted((a, b) => (a < b ? -1 : 1));
}

/** What git notes of the fetch itself. */
function isVolatile(path: ByteString): boolean {
  return path === '.git/FETCH_HEAD' || path === '.git/logs' || path === '.git/refs/tsbuild';
}

async function add(
  writer: LayerWriter,
  { seconds }: GitDirectory,
  root: Buffer,
  folder: ByteString,
  path: ByteString,
): Promise<void> {
  const at = host(root, path);
  const stats = lstatSync(at);
  const common = {
    path: folder === '' ? path : path.slice(folder.length + 1),
    uid: 0,
    gid: 0,
    mtime: { seconds, nanoseconds: 0 },
  };
  if (stats.isDirectory()) writer.add({ ...common, type: 'directory', mode: 0o755 });
  else if (stats.isSymbolicLink()) {
    const linkPath = readlinkSync(at, 'buffer').toString('latin1');
    writer.add({ ...common, type: 'symlink', mode: 0o777, linkPath });
  } else if (stats.isFile()) {
    const mode = (stats.mode & 0o100) === 0 ? 0o644 : 0o755;
    const fd = openSync(at, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      await writer.addFile({ ...common, type: 'file', mode, size: stats.size }, (buffer) =>
        readSync(fd, buffer, 0, buffer.length, null),
      );
    } finally {
      closeSync(fd);
    }
  }
}

function host(root: Buffer, path: ByteString): Buffer {
  return Buffer.concat([root, Buffer.from(path, 'latin1')]);
}
