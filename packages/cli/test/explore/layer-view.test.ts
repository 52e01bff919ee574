import { indexLayer, type RootfsLayer, RootfsTree } from '@tsbuild/oci/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunked, makeTar, type RawMember } from '../../../oci/testing/make-tar.ts';
import { decodeColumns } from '../../page/data/decode-columns.ts';
import { FileView } from '../../page/worker/file-view.ts';
import { layerView } from '../../page/worker/layer-view.ts';
import { Search } from '../../page/worker/search.ts';
import { buildTree, nodeAt, pathOf } from '../../page/worker/tree.ts';
import { encodeColumns } from '../../src/explore/encode-columns.ts';
import { gatherEntries } from '../../src/explore/gather-entries.ts';

/** What a layer does with a path. */
interface Change {
  readonly path: string;
  readonly what: 'file' | 'directory' | 'symlink' | 'whiteout' | 'opaque';
  readonly size: number;
  readonly mode: number;
}

/** A layer of these changes; those that no layer can have beside the others are left out. */
async function layerOf(changes: readonly Change[]): Promise<RootfsLayer> {
  const leaves = new Set<string>();
  const seen = new Set<string>();
  const members: RawMember[] = [];
  // Marks of what is gone come first, as engines want it.
  const isMark = ({ what }: Change): boolean => what === 'whiteout' || what === 'opaque';
  const ordered = [...changes.filter(isMark), ...changes.filter((one) => !isMark(one))];
  for (const { path, what, size, mode } of ordered) {
    const above = path.split('/').map((_, i, all) => all.slice(0, i).join('/'));
    const isLeaf = what === 'file' || what === 'symlink';
    const isBelowLeaf = above.some((one) => leaves.has(one)) || (what === 'opaque' && leaves.has(path));
    if (isBelowLeaf || (isLeaf && [...seen].some((one) => one === path || one.startsWith(`${path}/`)))) continue;
    if (seen.has(path) && what === 'directory') continue;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (what === 'whiteout') members.push({ name: `${path.slice(0, path.length - name.length)}.wh.${name}` });
    else {
      seen.add(path);
      if (what === 'opaque') members.push({ name: `${path}/.wh..wh..opq` });
      else if (what === 'file') members.push({ name: path, mode, content: 'x'.repeat(size) });
      else if (what === 'symlink') members.push({ name: path, type: '2', linkName: 'a' });
      else members.push({ name: `${path}/`, type: '5', mode });
    }
    if (isLeaf) leaves.add(path);
  }
  const { index, diffID } = await indexLayer(chunked(makeTar(members)));
  return { index, info: { digest: diffID } };
}

const name = fc.constantFrom('a', 'b', 'a-b');
const change = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
  what: fc.constantFrom('file', 'file', 'directory', 'symlink', 'whiteout', 'opaque') as fc.Arbitrary<Change['what']>,
  size: fc.nat({ max: 3 }),
  mode: fc.constantFrom(0o644, 0o755),
});
const layers = fc.array(fc.array(change, { maxLength: 6 }), { minLength: 1, maxLength: 4 });

/** Everything of a merged view by its path; undefined where the layers do not fit together, which engines disagree on. */
function listed(view: RootfsTree): Map<string, { readonly type: string; readonly size: number }> | undefined {
  const found = new Map<string, { readonly type: string; readonly size: number }>();
  const walk = (directory: string): void => {
    for (const { path, type, size } of view.list(directory)) {
      found.set(path, { type, size: type === 'file' ? size : 0 });
      if (type === 'directory') walk(path);
    }
  };
  try {
    walk('');
    return found;
  } catch {
    return undefined;
  }
}

/** What the page makes of the same layers. */
function pageOf(contents: readonly RootfsLayer[]) {
  const found = {
    contents,
    files: new RootfsTree(contents),
    layers: contents.map(() => ({ isOwn: true })),
  } as unknown as Parameters<typeof gatherEntries>[0];
  const entries = decodeColumns(encodeColumns(gatherEntries(found)));
  return { entries, tree: buildTree(entries) };
}

const FINAL = {
  scope: 'final',
  added: true,
  changed: true,
  removed: true,
  same: true,
  own: false,
  least: 0,
  search: '',
  sort: 'size',
} as const;

describe('the merged view of a page', () => {
  it('is that of the image format, for each layer', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(layers, async (list) => {
        const contents = await Promise.all(list.map(layerOf));
        if (listed(new RootfsTree(contents)) === undefined) return;
        const { tree, entries } = pageOf(contents);
        for (let layer = 0; layer < contents.length; layer++) {
          const expected = listed(new RootfsTree(contents.slice(0, layer + 1)));
          if (expected === undefined) continue;
          const view = layerView(tree, entries, layer);
          const seen = new Map<string, { readonly type: string; readonly size: number }>();
          for (let node = 1; node < tree.count; node++) {
            const state = view.state[node] ?? 0;
            if (state === 0 || state === 5) continue;
            const at = view.entry[node] ?? -1;
            const type = at < 0 ? 'directory' : (['', '', 'directory', 'file', 'symlink'][entries.kind[at] ?? 0] ?? '');
            seen.set(pathOf(tree, node), { type, size: at < 0 ? 0 : (entries.size[at] ?? 0) });
          }
          expect(new Map([...seen].toSorted())).toEqual(new Map([...expected].toSorted()));
          compared++;
        }
      }),
      { numRuns: 120 },
    );
    expect(compared).toBeGreaterThan(50);
  });

  it('tells what a layer added, changed, touched and removed', async () => {
    const file = (path: string, size: number, mode = 0o644): Change => ({ path, what: 'file', size, mode });
    const lower = [file('same', 1), file('touched', 2), file('changed', 3), file('gone', 4), file('dir/inside', 5)];
    const upper = [file('touched', 2, 0o755), file('changed', 9), file('new', 7)];
    const removed: Change[] = ['gone', 'dir'].map((path) => ({ path, what: 'whiteout', size: 0, mode: 0 }));
    const { tree, entries } = pageOf([await layerOf(lower), await layerOf([...removed, ...upper])]);
    const { state } = layerView(tree, entries, 1);
    const states = ['same', 'touched', 'changed', 'gone', 'dir/inside', 'new'].map((path) => state[nodeAt(tree, path)]);
    expect(states).toEqual([1, 4, 3, 5, 5, 2]);
  });

  it('sums, sorts, opens and searches', async () => {
    const file = (path: string, size: number): Change => ({ path, what: 'file', size, mode: 0o644 });
    const { tree, entries } = pageOf([
      await layerOf([file('b/large.map', 9), file('b/c/Deep.txt', 1), file('a.txt', 2)]),
    ]);
    const search = new Search(tree);
    const rows = (text: string) => {
      const matches = text === '' ? undefined : search.find(text);
      const view = new FileView({ tree, entries, own: [true] }, { ...FINAL, layer: 0 }, { matches, open: new Set() });
      return view.rows(0, 100).map((row) => `${row.level} ${row.name} ${row.bytes} ${row.position}/${row.siblings}`);
    };
    expect(rows('')).toEqual(['1 b 10 1/2', '1 a.txt 2 2/2']);
    expect(rows('deep')).toEqual(['1 b 10 1/1', '2 c 1 1/1', '3 Deep.txt 1 1/1']);
    expect(rows('b/la')).toEqual(['1 b 10 1/1', '2 large.map 9 1/1']);
    expect(rows('**/*.txt').map((row) => row.split(' ')[1])).toEqual(['b', 'c', 'Deep.txt', 'a.txt']);
    expect(rows('*.map')).toEqual(['1 b 10 1/1', '2 large.map 9 1/1']);
    expect(rows('/^.a\\./')).toEqual(['1 a.txt 2 1/1']);
    expect(() => search.find('/(/')).toThrow(SyntaxError);
  });
});
