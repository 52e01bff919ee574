import { createHash } from 'node:crypto';
import { decodeTable, encodeTable } from '../../packages/builder/src/context/stat-cache-file.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { pureTarget } from '../target.ts';
import type { Mutator } from '../target.ts';

const CHECKSUM_SIZE = 32;
const file = (path: string): Parameters<typeof encodeTable>[1][number] => ({
  path,
  size: 1,
  mtimeMs: 2,
  ctimeMs: 3,
  ino: 4,
  dev: 5,
  sha256: 'ab'.repeat(32),
});

/** Every second time the checksum is made right, so that the changed records are read. */
const mutate: Mutator = (input, random, corpus) => {
  const out = Buffer.from(mutateBytes(input, random, corpus));
  const end = out.length - CHECKSUM_SIZE;
  if (end > 0 && random.oneIn(2)) createHash('sha256').update(out.subarray(0, end)).digest().copy(out, end);
  return out;
};

/** The kept digests of a context: a damaged file is refused, and one with a right checksum never hangs a search. */
export const statCache = pureTarget('stat-cache', {
  seeds: () => [[], ['a'], ['a', 'a/b', 'b', '\xff']].map((paths) => encodeTable('/context', paths.map(file))),
  mutate,
  run: (input) => {
    let table: ReturnType<typeof decodeTable>;
    try {
      table = decodeTable(Buffer.from(input), '/context');
    } catch (error) {
      // Its reader takes any error for an empty cache.
      if (error instanceof Error && !(error instanceof TypeError)) return 'refused';
      throw error;
    }
    const found = ['a', 'a/b', '', '\xff'].map((path) => table.find(path));
    return `${table.length} ${found.map((record) => record >= 0).join()}`;
  },
});
