import { OciError } from '../../packages/oci/src/spec/oci-error.ts';
import type { TarEntry, TarEntryType } from '../../packages/oci/src/tar/entry.ts';
import { BLOCK_SIZE } from '../../packages/oci/src/tar/block.ts';
import { readTar } from '../../packages/oci/src/tar/reader.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from '../../packages/oci/src/tar/writer.ts';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import { Data, dataSeeds } from '../data.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateTar } from '../mutate/tar.ts';
import { tarSeeds } from '../seeds/tars.ts';
import { mustHold, pureTarget } from '../target.ts';

const NUMERIC = ['mode', 'uid', 'gid', 'size', 'devMajor', 'devMinor'] as const;
const TYPES: readonly TarEntryType[] = ['file', 'hardlink', 'symlink', 'char', 'block', 'directory', 'fifo'];

/** Reads an archive in chunks of a size; what came out, or the refusal, as text. */
async function listing(input: Uint8Array, chunkSize: number): Promise<{ text: string; entries: readonly TarEntry[] }> {
  const entries: TarEntry[] = [];
  const lines: string[] = [];
  let stored = 0;
  try {
    for await (const { entry, offset, content, sparse } of readTar(chunked(input, chunkSize))) {
      let read = 0;
      // A few bytes may tell of a file of petabytes.
      const holes = (sparse ?? []).reduce((left, { size }) => left - size, sparse === undefined ? 0 : entry.size);
      mustHold(holes >= 0, 'the parts of a sparse file are more than the file');
      stored += entry.size - holes;
      if (entry.size % 3 !== 1 && holes < 1e6) for await (const piece of content) read += piece.length;
      entries.push(entry);
      lines.push(JSON.stringify([entry, [...(entry.xattrs ?? [])].map(String), offset, read]));
    }
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    lines.push(`${error.code} ${error.message}`);
    return { text: lines.join('\n'), entries: [] };
  }
  mustHold(stored <= input.length, 'more content than input');
  return { text: lines.join('\n'), entries };
}

/** The reader: typed errors only, entries within their ranges, and the same result however the input is cut. */
export const tarReader = pureTarget('tar-reader', {
  seeds: tarSeeds,
  mutate: mutateTar,
  run: async (input) => {
    const { text, entries } = await listing(input, 65_536);
    for (const entry of entries) {
      mustHold(entry.path !== '' && !/[^\0-\xff]/.test(entry.path), 'a path is empty or no byte string');
      mustHold(
        NUMERIC.every((field) => Number.isSafeInteger(entry[field]) && entry[field] >= 0),
        'a number is off',
      );
      mustHold(Number.isSafeInteger(entry.mtime.seconds), 'the time is no whole number');
      mustHold(entry.type === 'file' || entry.size === 0, `a ${entry.type} has content`);
    }
    const odd = 1 + ((input[0] ?? 0) % 700);
    mustHold((await listing(input, odd)).text === text, `chunks of ${odd} bytes give another result`);
    if (entries.length === 0 && text !== '') return `refused ${text.split('\n').at(-1)?.slice(0, 60) ?? ''}`;
    return entries
      .map(({ type }) => type)
      .slice(0, 6)
      .join(' ');
  },
});

function entryOf(data: Data): TarEntry {
  const type = data.pick(TYPES);
  const isLink = type === 'symlink' || type === 'hardlink';
  const size = type === 'file' ? data.below(1500) : 0;
  const seconds = data.number() * (data.below(4) === 0 ? -1 : 1);
  const xattrs = new Map<string, Uint8Array>();
  for (let left = data.below(4); left > 1; left--) xattrs.set(data.text(), Buffer.from(data.text(), 'latin1'));
  return {
    path: data.text(),
    type,
    mode: data.number(),
    uid: data.number(),
    gid: data.number(),
    size,
    mtime: { seconds, nanoseconds: data.below(2) * data.below(60_000) },
    linkPath: isLink ? data.text() : '',
    devMajor: type === 'char' || type === 'block' ? data.number() : 0,
    devMinor: data.below(3) === 0 ? data.number() : 0,
    ...(xattrs.size > 0 && { xattrs }),
  };
}

/** The writer: what it takes, the reader gives back the same. */
export const tarWriter = pureTarget('tar-writer', {
  seeds: () => dataSeeds(40, 400),
  mutate: mutateBytes,
  run: async (input) => {
    const entry = entryOf(new Data(input));
    const content = new Uint8Array(Math.ceil(entry.size / BLOCK_SIZE) * BLOCK_SIZE);
    const bytes = Buffer.concat([encodeTarHeader(entry), content, END_OF_ARCHIVE]);
    const { entries, text } = await listing(bytes, 65_536);
    const [read] = entries;
    mustHold(read !== undefined && entries.length === 1, `it cannot be read back: ${text}`);
    const isDirectory = entry.type === 'directory' && !entry.path.endsWith('/');
    const isDevice = entry.type === 'char' || entry.type === 'block';
    const expected = {
      ...entry,
      path: isDirectory ? `${entry.path}/` : entry.path,
      devMajor: isDevice ? entry.devMajor : 0,
      devMinor: isDevice ? entry.devMinor : 0,
    };
    mustHold(describe(read) === describe(expected), `${describe(expected)} came back as ${describe(read)}`);
    return entry.type;
  },
});

function describe({ xattrs, ...entry }: TarEntry): string {
  const sorted = [...(xattrs ?? [])].map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`).toSorted();
  const members = Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // -0 is written as 0.
  return JSON.stringify([members, sorted], (_, value: unknown) => (Object.is(value, -0) ? 0 : value));
}
