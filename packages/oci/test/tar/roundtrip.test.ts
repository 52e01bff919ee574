import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TarEntry } from '../../src/tar/entry.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from '../../src/tar/writer.ts';
import { anyEntry } from './arbitrary-entry.ts';
import { readAll } from './read-all.ts';

/** An archive of entries whose files hold the letter x. */
function archiveOf(entries: readonly TarEntry[]): Uint8Array {
  const parts = entries.flatMap((entry) => [
    encodeTarHeader(entry),
    Buffer.alloc(entry.size, 'x'),
    Buffer.alloc((512 - (entry.size % 512)) % 512),
  ]);
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

it('reads back every entry as it was written, in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEntry(), { maxLength: 6 }),
      fc.integer({ min: 1, max: 2000 }),
      async (entries, chunkSize) => {
        const read = await readAll(archiveOf(entries), chunkSize);
        const expected = entries.map((entry) => ({
          ...entry,
          path: entry.type === 'directory' ? `${entry.path}/` : entry.path,
          text: 'x'.repeat(entry.size),
          offset: expect.any(Number),
        }));
        expect(read).toEqual(expected);
      },
    ),
    { numRuns: 150 },
  );
});

it('tells the same bytes for the same entry, xattrs in any order', () => {
  fc.assert(
    fc.property(anyEntry(), (entry) => {
      const reversed = new Map([...(entry.xattrs ?? [])].toReversed());
      expect(encodeTarHeader({ ...entry, xattrs: reversed })).toEqual(encodeTarHeader(entry));
    }),
  );
});
