import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString, decodeColumns, type Entries } from '../../page/data/decode-columns.ts';
import { buildTree, nodeAt, pathOf } from '../../page/worker/tree.ts';
import { encodeColumns } from '../../src/explore/encode-columns.ts';
import { type ColumnEntry, KINDS } from '../../src/explore/entry-columns.ts';

/** Any bytes but a slash and a zero, as Linux has it; mostly few, so that names meet and share beginnings. */
const name = fc
  .oneof(
    fc.array(fc.constantFrom('a', 'b', '-', '.', '\n', '\xff', '<'), { minLength: 1, maxLength: 3 }),
    fc.array(
      fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
      { minLength: 1, maxLength: 255 },
    ),
  )
  .map((letters) => letters.join('').replaceAll('/', '_'));

const entry: fc.Arbitrary<ColumnEntry> = fc
  .record({
    path: fc.array(name, { minLength: 1, maxLength: 6 }).map((names) => names.join('/')),
    layer: fc.nat({ max: 200 }),
    kind: fc.constantFrom(...KINDS),
    sameContent: fc.boolean(),
    size: fc.maxSafeNat(),
    mode: fc.nat({ max: 0o7777 }),
    uid: fc.nat({ max: 4_294_967_295 }),
    gid: fc.nat({ max: 4_294_967_295 }),
    mtime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    group: fc.nat({ max: 1_000_000 }),
    target: name,
  })
  .map((one) => (one.kind === 'symlink' || one.kind === 'hardlink' ? one : { ...one, target: '' }));

const walk = ({ path }: ColumnEntry): string => path.replaceAll('/', '\0');
const entries = fc
  .array(entry, { maxLength: 40 })
  .map((list) => list.toSorted((a, b) => (walk(a) < walk(b) ? -1 : walk(a) > walk(b) ? 1 : a.layer - b.layer)));

/** The entries as they were. */
function restored(found: Entries): ColumnEntry[] {
  let path = '';
  return Array.from({ length: found.count }, (_, i) => {
    path =
      path.slice(0, found.shared[i]) + byteString(found.names.subarray(found.nameStart[i], found.nameStart[i + 1]));
    const [mode = 0, uid = 0, gid = 0] = found.attributes.slice(3 * (found.attribute[i] ?? 0));
    return {
      path,
      layer: found.layer[i] ?? 0,
      kind: KINDS[found.kind[i] ?? 0] ?? 'file',
      sameContent: found.sameContent[i] === 1,
      size: found.size[i] ?? 0,
      mode,
      uid,
      gid,
      mtime: found.mtime[i] ?? 0,
      group: found.group[i] ?? 0,
      target: found.targets.get(i) ?? '',
    };
  });
}

describe('entries in columns', () => {
  it('come back as they were, whatever their names', () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(restored(decodeColumns(encodeColumns(list)))).toEqual(list);
      }),
    );
  });

  it('become a tree in which each path has one node', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const tree = buildTree(decodeColumns(encodeColumns(list)));
        const paths = new Set(list.map(({ path }) => path));
        for (const path of paths) expect(pathOf(tree, nodeAt(tree, path))).toBe(path);
        const all = Array.from({ length: tree.count }, (_, node) => pathOf(tree, node));
        expect(new Set(all).size).toBe(tree.count);
        for (let node = 1; node < tree.count; node++) {
          const parent = tree.parent[node] ?? -1;
          expect(parent).toBeLessThan(node);
          expect(tree.end[parent]).toBeGreaterThanOrEqual(tree.end[node] ?? 0);
        }
      }),
    );
  });

  it('that are cut off are an error, and no endless loop', () => {
    const whole = encodeColumns(fc.sample(entries, 5).flat());
    for (let length = 0; length < whole.length; length += 7) {
      expect(() => decodeColumns(whole.subarray(0, length))).toThrow(RangeError);
    }
  });
});
