import { spawnSync } from 'node:child_process';
import type { ByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import { PROGRAM_ENVIRONMENT } from '../processes/host-programs.ts';
import { errorCode } from './raw-path.ts';

/** Attributes of files below a directory, by path; `''` is the directory itself. */
export type Xattrs = ReadonlyMap<ByteString, ReadonlyMap<string, Uint8Array>>;

/**
 * The attributes whose names match `pattern` (as getfattr takes it) of all files below `root`, read by one process: one a
 * file would take minutes.
 * @throws OciError `UNSUPPORTED` when there is no program getfattr
 */
export function readXattrs(root: Buffer, pattern: string): Xattrs {
  const { error, stdout } = spawnSync('getfattr', ['-R', '-h', '-P', '-d', '-m', pattern, '-e', 'hex', '--', '.'], {
    cwd: root.toString('utf8'),
    env: PROGRAM_ENVIRONMENT,
    encoding: 'latin1',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (errorCode(error) === 'ENOENT') {
    throw new OciError('UNSUPPORTED', 'the program getfattr is missing; install the package attr', { cause: error });
  }
  if (error !== undefined) throw error;
  const found = new Map<ByteString, Map<string, Uint8Array>>();
  let current = new Map<string, Uint8Array>();
  for (const line of stdout.split('\n')) {
    if (line.startsWith('# file: ')) {
      current = new Map();
      const name = unescapeOctal(line.slice('# file: '.length));
      found.set(name === '.' ? '' : name.replace(/^\.\//, ''), current);
    } else {
      const equals = line.indexOf('=0x');
      if (equals > 0) current.set(unescapeOctal(line.slice(0, equals)), Buffer.from(line.slice(equals + 3), 'hex'));
    }
  }
  return found;
}

/** As getfattr writes names: what could be taken for something else as octal numbers. */
export function escapeOctal(text: ByteString): string {
  return text.replace(/[\\=\x00-\x20\x7f-\xff]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unescapeOctal(text: string): ByteString {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
