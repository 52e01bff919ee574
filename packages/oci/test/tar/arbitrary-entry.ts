import * as fc from 'fast-check';
import type { TarEntry, TarEntryType } from '../../src/tar/entry.ts';

/** Any bytes but NUL (and, for a component, the slash), as a byte string. */
const byte = (but: readonly number[]) => fc.integer({ min: 1, max: 255 }).filter((value) => !but.includes(value));

const component = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(97, 98, 45, 46, 10) }, byte([0x2f])), {
    minLength: 1,
    maxLength: 120,
  })
  .map((bytes) => String.fromCharCode(...bytes))
  .filter((name) => name !== '.' && name !== '..' && !name.startsWith('.wh.'));

/** Clean relative paths of any bytes, short and long. */
export const anyPath = fc.array(component, { minLength: 1, maxLength: 5 }).map((names) => names.join('/'));

const number = (max: number) => fc.oneof(fc.integer({ min: 0, max: 0o7777 }), fc.integer({ min: 0, max }));
const seconds = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000_000 }),
  fc.integer({ min: -5_000_000_000, max: 100_000_000_000 }),
);

export const anyTime = fc.record({
  seconds,
  nanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
});

const xattrs = fc
  .dictionary(
    fc.stringMatching(/^(user|security)\.[a-z.]{1,20}$/).filter((name) => !name.startsWith('user.overlay.')),
    fc.uint8Array({ maxLength: 300 }),
    { maxKeys: 4, noNullPrototype: true },
  )
  .map((record) => new Map(Object.entries(record)));

const types: readonly TarEntryType[] = ['file', 'hardlink', 'symlink', 'char', 'block', 'directory', 'fifo'];

/** Any entry that an archive can hold; sizes of files are small unless `sizes` says otherwise. */
export const anyEntry = (sizes = fc.integer({ min: 0, max: 3000 })): fc.Arbitrary<TarEntry> =>
  fc
    .record({
      path: anyPath,
      type: fc.constantFrom(...types),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: number(0xffff_ffff),
      gid: number(0xffff_ffff),
      size: sizes,
      mtime: anyTime,
      linkPath: anyPath,
      devMajor: number(0o7777777),
      devMinor: number(0o7777777),
      xattrs,
    })
    .map((entry) => {
      const isDevice = entry.type === 'char' || entry.type === 'block';
      const isLink = entry.type === 'symlink' || entry.type === 'hardlink';
      const { xattrs: attributes, ...rest } = entry;
      return {
        ...rest,
        size: entry.type === 'file' ? entry.size : 0,
        linkPath: isLink ? entry.linkPath : '',
        devMajor: isDevice ? entry.devMajor : 0,
        devMinor: isDevice ? entry.devMinor : 0,
        ...(attributes.size === 0 ? {} : { xattrs: attributes }),
      };
    });
