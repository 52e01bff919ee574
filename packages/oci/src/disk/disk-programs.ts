import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, renameSync } from 'node:fs';
import type { ByteString } from '../spec/byte-string.ts';
import type { DirectoryWriter } from './directory-writer.ts';
import { codeOf } from './directory-writer.ts';
import { isOverlayXattr } from '../layer/overlay-xattr.ts';

/** What Node has no call for: programs of the machine do it. Names need not be UTF-8, so they are never arguments. */

/** The attributes that layers keep: file capabilities, and those of ordinary users. */
const KEPT_PATTERN = '^(security\\.capability|user\\.)';

/** True for an attribute that is written to disk and read from there. */
export function isKeptXattr(name: string): boolean {
  return (name === 'security.capability' || name.startsWith('user.')) && !isOverlayXattr(name);
}

/** Why something of a layer could not be made on disk. */
export type Failure = string;

/**
 * Makes a fifo or device. The plain name comes first and is then changed to the right one.
 * @returns undefined, or why it could not be made
 */
export function makeNode(
  writer: DirectoryWriter,
  path: ByteString,
  node: { readonly type: 'fifo' | 'char' | 'block'; readonly devMajor: number; readonly devMinor: number },
): Failure | undefined {
  writer.remove(path);
  const target = writer.at(path);
  const name = `.node-${randomBytes(6).toString('hex')}`;
  const numbers = node.type === 'fifo' ? [] : [String(node.devMajor), String(node.devMinor)];
  const letter = { fifo: 'p', char: 'c', block: 'b' }[node.type];
  const slash = target.lastIndexOf('/') + 1;
  const { error, status, stderr } = spawnSync('mknod', ['-m', '600', name, letter, ...numbers], {
    // The directory itself, so that no name of the layer is an argument.
    cwd: target.subarray(0, slash).toString(),
    env: ENVIRONMENT,
    encoding: 'utf8',
  });
  if (error !== undefined) return codeOf(error) === 'ENOENT' ? 'the program mknod is missing' : error.message;
  if (status !== 0) return stderr.trim().split('\n')[0] ?? 'mknod failed';
  renameSync(Buffer.concat([target.subarray(0, slash), Buffer.from(name)]), target);
  return undefined;
}

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Attributes of files below a directory, by path. */
export type Xattrs = ReadonlyMap<ByteString, ReadonlyMap<string, Uint8Array>>;

/** Files whose attributes one process sets. */
const BATCH = 64;

/**
 * Sets attributes of files. They are handed over as descriptors, so that no path can be made to lead elsewhere meanwhile.
 * @returns for each file that failed, why
 */
export function writeXattrs(writer: DirectoryWriter, xattrs: Xattrs): ReadonlyMap<ByteString, Failure> {
  const failures = new Map<ByteString, Failure>();
  const files = [...xattrs];
  for (let at = 0; at < files.length; at += BATCH) {
    const batch = files.slice(at, at + BATCH);
    // The program does not say in a form for programs which of several failed.
    if (writeBatch(writer, batch) === undefined) continue;
    for (const file of batch) {
      const failure = writeBatch(writer, [file]);
      if (failure !== undefined) failures.set(file[0], failure);
    }
  }
  return failures;
}

function writeBatch(
  writer: DirectoryWriter,
  files: readonly (readonly [ByteString, ReadonlyMap<string, Uint8Array>])[],
): Failure | undefined {
  const opened: number[] = [];
  try {
    let dump = '';
    for (const [path, values] of files) {
      opened.push(writer.openPath(path));
      dump += `# file: /proc/self/fd/${2 + opened.length}\n`;
      for (const [name, value] of values) dump += `${escapeOctal(name)}=0x${Buffer.from(value).toString('hex')}\n`;
      dump += '\n';
    }
    const { error, status, stderr } = spawnSync('setfattr', ['--restore=-'], {
      input: Buffer.from(dump, 'latin1'),
      stdio: ['pipe', 'ignore', 'pipe', ...opened],
      env: ENVIRONMENT,
      encoding: 'latin1',
    });
    if (error !== undefined) return codeOf(error) === 'ENOENT' ? 'the program setfattr is missing' : error.message;
    return status === 0 ? undefined : (stderr.trim().split(': ').at(-1) ?? 'setfattr failed');
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** The attributes that layers keep of all files below `root`; undefined when there is no program to read them. */
export function readXattrs(root: string): Xattrs | undefined {
  const args = ['-R', '-h', '-P', '-d', '-m', KEPT_PATTERN, '-e', 'hex', '--', '.'];
  const { error, stdout } = spawnSync('getfattr', args, {
    cwd: root,
    env: ENVIRONMENT,
    encoding: 'latin1',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (error !== undefined) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const found = new Map<ByteString, Map<string, Uint8Array>>();
  let current = new Map<string, Uint8Array>();
  for (const line of stdout.split('\n')) {
    if (line.startsWith('# file: ')) {
      current = new Map();
      found.set(unescapeOctal(line.slice('# file: '.length)).replace(/^\.\//, ''), current);
    } else {
      const equals = line.indexOf('=0x');
      const name = unescapeOctal(line.slice(0, Math.max(0, equals)));
      if (equals > 0 && isKeptXattr(name)) current.set(name, Buffer.from(line.slice(equals + 3), 'hex'));
    }
  }
  return found;
}

/** As getfattr writes names: what could be taken for something else as octal numbers. */
function escapeOctal(text: ByteString): string {
  return text.replace(/[\\=\x00-\x20\x7f-\xff]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unescapeOctal(text: string): ByteString {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
