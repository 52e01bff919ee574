import { describe, expect, it } from 'vitest';
import type { LayerEntry } from '../../src/layer/layer-entry.ts';
import { compareLayers } from '../../src/layer/layer-comparison.ts';
import type { LayerIndex } from '../../src/layer/layer-index.ts';
import { LayerIndexBuilder } from '../../src/layer/layer-index-builder.ts';
import { PLAIN_ENTRY } from '../../testing/plain-entry.ts';
import { indexed } from './layer-dsl.ts';

const of = (...entries: readonly (Partial<LayerEntry> & { readonly path: string })[]): LayerIndex => {
  const builder = new LayerIndexBuilder();
  for (const entry of entries) builder.add({ ...PLAIN_ENTRY, offset: 0, ...entry });
  return builder.build();
};

const told = (before: LayerIndex, after: LayerIndex): readonly string[] =>
  [...compareLayers(before, after)].map(({ kind, path, fields }) => [kind, path, ...fields].join(' '));

describe('two layers, entry by entry', () => {
  it('tells what only one of them has, in byte order, removals too', async () => {
    const before = await indexed('dir d\nfile d/a\nfile d/c\nwhiteout d/gone\nfile z');
    const after = await indexed('dir d\nfile d/b\nfile d/c\nwhiteout d/other\nfile zz');
    expect(told(before.index, after.index)).toEqual([
      'removed d/.wh.gone',
      'added d/.wh.other',
      'removed d/a',
      'added d/b',
      'removed z',
      'added zz',
    ]);
  });

  it.each<[string, Partial<LayerEntry>, Partial<LayerEntry>]>([
    ['mode', { mode: 0o644 }, { mode: 0o600 }],
    ['owner', { uid: 0 }, { uid: 33 }],
    ['owner', { gid: 0 }, { gid: 33 }],
    ['mtime', { mtime: { seconds: 1, nanoseconds: 0 } }, { mtime: { seconds: 2, nanoseconds: 0 } }],
    [
      'mtime',
      { type: 'directory', mtime: { seconds: 1, nanoseconds: 0 } },
      { type: 'directory', mtime: { seconds: 2, nanoseconds: 0 } },
    ],
    ['content', { contentSha256: 'a'.repeat(64) }, { contentSha256: 'b'.repeat(64) }],
    ['link', { type: 'symlink', linkPath: 'a' }, { type: 'symlink', linkPath: 'b' }],
    ['type', { type: 'fifo' }, { type: 'directory' }],
    ['device', { type: 'char', devMinor: 1 }, { type: 'char', devMinor: 2 }],
    ['xattrs', {}, { xattrs: new Map([['user.x', new Uint8Array([1])]]) }],
  ])('tells %s', (field, a, b) => {
    const base = { type: 'file', path: 'x' } as const;
    expect(told(of({ ...base, ...a }), of({ ...base, ...b }))).toEqual([`changed x ${field}`]);
    expect(told(of({ ...base, ...a }), of({ ...base, ...a }))).toEqual([]);
  });

  it('is silent about a layer and itself', async () => {
    const { index } = await indexed('dir d\nfile d/a content\nlink d/b d/a\nsymlink d/c a\nchar d/d 1 3');
    expect(told(index, index)).toEqual([]);
    expect(told(index, of())).toHaveLength(5);
  });
});
