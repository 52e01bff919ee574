import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LayerEntry } from '../../src/layer/layer-entry.ts';
import { LayerIndex } from '../../src/layer/layer-index.ts';
import { LayerIndexBuilder } from '../../src/layer/layer-index-builder.ts';
import { PLAIN_ENTRY } from '../../testing/plain-entry.ts';
import { anyEntry } from '../tar/arbitrary-entry.ts';

const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/);

const anyLayerEntry: fc.Arbitrary<LayerEntry> = fc
  .tuple(anyEntry(fc.maxSafeInteger().map(Math.abs)), fc.nat(), sha256)
  .map(([entry, offset, contentSha256]) => ({
    ...entry,
    // Links point to entries of the layer, which a made-up one does not.
    ...(entry.type === 'hardlink' ? { type: 'fifo', linkPath: '' } : {}),
    offset: entry.type === 'file' ? offset * 512 : 0,
    ...(entry.type === 'file' ? { contentSha256 } : {}),
  }));

const anyLayer = fc.uniqueArray(anyLayerEntry, { selector: ({ path }) => path, maxLength: 30 });

const plain: LayerEntry = { ...PLAIN_ENTRY, path: '', offset: 0 };

function build(entries: readonly LayerEntry[]): LayerIndex {
  const builder = new LayerIndexBuilder();
  for (const entry of entries) builder.add(entry);
  return builder.build();
}

const ofPaths = (...paths: string[]) => build(paths.map((path) => ({ ...plain, path })));
const pathsOf = (entries: Iterable<LayerEntry>) => [...entries].map(({ path }) => path);
const byPath = (a: LayerEntry, b: LayerEntry) => (a.path < b.path ? -1 : 1);

describe('whatever it holds', () => {
  it('tells every entry as it was added, in byte order, also after encoding', () => {
    fc.assert(
      fc.property(anyLayer, (entries) => {
        const built = build(entries);
        const decoded = LayerIndex.decode(built.encode().slice());
        for (const index of [built, decoded]) {
          expect(index.length).toBe(entries.length);
          expect([...index.entries()]).toEqual(entries.toSorted(byPath));
          for (const entry of entries) expect(index.get(entry.path)).toEqual(entry);
        }
      }),
    );
  });

  it('finds nothing that was not added, and everything below a directory', () => {
    const name = fc.stringMatching(/^[-a0/.]{1,6}$/);
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 40 }), name, (paths, wanted) => {
        const index = ofPaths(...paths);
        const below = paths.filter((path) => path.startsWith(`${wanted}/`)).toSorted();
        expect(index.get(wanted)?.path).toBe(paths.includes(wanted) ? wanted : undefined);
        expect(pathsOf(index.entries(wanted))).toEqual(below);
        expect(index.hasBelow(wanted)).toBe(below.length > 0);
      }),
    );
  });
});

describe('children', () => {
  it('are direct, with subtrees passed over', () => {
    const index = ofPaths('d', 'd/a', 'd/a-b', 'd/a/c', 'd/a/c/x', 'd/e/f/g', 'd-x', 'e');
    expect([...index.children('d')].map(({ name, record, below }) => [name, record >= 0, below])).toEqual([
      ['a', true, false],
      ['a-b', true, false],
      ['a', false, true],
      ['e', false, true],
    ]);
    expect([...index.children('')].map(({ name }) => name)).toEqual(['d', 'd-x', 'd', 'e']);
    expect([...index.children('e')]).toEqual([]);
  });
});

describe('hard links', () => {
  it('mark the file that they point to', () => {
    const index = build([
      { ...plain, path: 'b' },
      { ...plain, path: 'a', type: 'hardlink', linkPath: 'b' },
      { ...plain, path: 'c' },
    ]);
    expect(['a', 'b', 'c'].map((path) => index.hasLinks(index.find(path)))).toEqual([false, true, false]);
  });

  it('to nothing are refused', () => {
    expect(() => build([{ ...plain, path: 'a', type: 'hardlink', linkPath: 'b' }])).toThrow(
      /'b': hard links point to it/,
    );
  });
});

it('refuses a path that comes twice', () => {
  expect(() => ofPaths('a', 'b', 'a')).toThrow(/layer entry 'a': it is in the layer twice/);
});

it('refuses a damaged file, whatever bit it is', () => {
  const bytes = ofPaths('etc', 'etc/passwd', 'usr').encode();
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
      expect(() => LayerIndex.decode(damaged)).toThrow(expect.objectContaining({ code: 'LAYER_INVALID' }));
    }),
  );
  for (let length = 0; length < bytes.length; length++) {
    expect(() => LayerIndex.decode(bytes.slice(0, length))).toThrow(/damaged/);
  }
});

it('holds 60,000 entries and finds each of them', () => {
  const paths = Array.from({ length: 60_000 }, (_, i) => `usr/lib/node_modules/package-${i % 997}/lib/file-${i}.js`);
  const index = LayerIndex.decode(ofPaths(...paths).encode());
  // Around 100 ms; a search that scanned would outlast the test.
  expect(paths.every((path) => index.find(path) >= 0)).toBe(true);
});

it('LayerIndex knows the bytes of all files, as Docker counts the size of a layer', () => {
  const builder = new LayerIndexBuilder();
  const file = {
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    devMajor: 0,
    devMinor: 0,
    offset: 0,
  };
  builder.add({ ...file, path: 'a', type: 'file', size: 5_000_000_000, linkPath: '' });
  builder.add({ ...file, path: 'b', type: 'file', size: 7, linkPath: '' });
  builder.add({ ...file, path: 'c', type: 'hardlink', size: 0, linkPath: 'a' });
  builder.add({ ...file, path: 'd', type: 'symlink', size: 0, linkPath: '../a' });
  expect(LayerIndex.decode(builder.build().encode()).contentSize).toBe(5_000_000_011);
});
