import { type ByteString, utf8ToByteString } from '@tsbuild/oci';

/** One line of a tree written down for a test. */
export interface DescribedEntry {
  readonly path: ByteString;
  readonly type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket';
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Content of a file. */
  readonly text: string;
  /** Target of a symlink. */
  readonly target: ByteString;
  /** Files with the same key are one file with several names. */
  readonly hardLink: string | undefined;
}

const TYPES: Readonly<Record<string, readonly [DescribedEntry['type'], mode: number]>> = {
  file: ['file', 0o644],
  dir: ['directory', 0o755],
  symlink: ['symlink', 0o777],
  fifo: ['fifo', 0o644],
  socket: ['socket', 0o644],
};

/**
 * Reads a tree, one entry per line:
 *
 *     dir src mode=755
 *     file src/a.txt mode=600 mtime=1700000000 link=k the text, to the end of the line
 *     symlink current -> src
 *
 * and `fifo PATH`, `socket PATH`. Paths are without blanks; `\xNN` in a path is that byte. Parents that no line names
 * are directories with mode 755.
 */
export function describeTree(description: string): DescribedEntry[] {
  const entries = new Map<ByteString, DescribedEntry>();
  for (const line of description.split('\n').map((text) => text.trim())) {
    if (line === '') continue;
    const entry = parseLine(line);
    for (const parent of parentsOf(entry.path)) {
      if (!entries.has(parent)) entries.set(parent, { ...parseLine('dir parent'), path: parent });
    }
    entries.set(entry.path, entry);
  }
  return [...entries.values()];
}

function parseLine(line: string): DescribedEntry {
  const [, word = '', name = '', rest = ''] = /^(\S+) (\S+) ?(.*)$/s.exec(line) ?? [];
  const known = TYPES[word];
  if (known === undefined) throw new Error(`not an entry of a tree: ${line}`);
  const [type, mode] = known;
  const options: Record<string, string> = {};
  const text = rest.replace(/^(?:(?:mode|mtime|link)=\S+ ?)+/, (found) => {
    for (const option of found.trim().split(' ')) options[option.split('=')[0] ?? ''] = option.split('=')[1] ?? '';
    return '';
  });
  return {
    path: bytesOf(name),
    type,
    mode: options['mode'] === undefined ? mode : Number.parseInt(options['mode'], 8),
    mtime: Number(options['mtime'] ?? 1_700_000_000),
    text: type === 'file' ? text : '',
    target: type === 'symlink' ? bytesOf(text.replace(/^-> /, '')) : '',
    hardLink: options['link'],
  };
}

function bytesOf(text: string): ByteString {
  return utf8ToByteString(text).replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function parentsOf(path: ByteString): ByteString[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}
