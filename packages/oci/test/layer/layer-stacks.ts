import * as fc from 'fast-check';

/** One change of a layer; paths are short, so that layers meet. */
const paths: readonly string[] = ['a', 'b', 'a-b', 'a/a', 'a/b', 'a/a/a', 'a/a/b', 'b/a', 'b/b/a'];
const path = fc.constantFrom(...paths);
const change = fc.record({ kind: fc.constantFrom('file', 'dir', 'whiteout', 'opaque'), path, size: fc.nat(3) });
/** One line of a layer. */
export type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** A layer as a careful writer makes it: each path once, parents as directories, nothing below a file. */
function careful(changes: readonly Change[]): Change[] {
  const kinds = new Map<string, Change>();
  for (const one of changes) {
    const key = one.kind === 'whiteout' || one.kind === 'opaque' ? `${one.kind} ${one.path}` : one.path;
    const parents = one.path.split('/').map((_, i, parts) => parts.slice(0, i).join('/'));
    const belowFile = parents.some((parent) => kinds.get(parent)?.kind === 'file');
    const onFile = one.kind === 'opaque' && kinds.get(one.path)?.kind === 'file';
    const overContent =
      one.kind === 'file' && [...kinds.values()].some((other) => other.path.startsWith(`${one.path}/`));
    const overOpaque = one.kind === 'file' && kinds.has(`opaque ${one.path}`);
    if (kinds.has(key) || belowFile || onFile || overContent || overOpaque) continue;
    for (const parent of parents.filter((at) => at !== '' && !kinds.has(at))) {
      kinds.set(parent, { kind: 'dir', path: parent, size: 0 });
    }
    if (one.kind === 'opaque' && !kinds.has(one.path)) kinds.set(one.path, { ...one, kind: 'dir' });
    kinds.set(key, one);
  }
  const isWhiteout = ({ kind }: Change) => (kind === 'whiteout' ? 0 : 1);
  return [...kinds.values()].toSorted((a, b) => isWhiteout(a) - isWhiteout(b));
}

/** Layers, lowest first, whose paths meet. */
export const layerStack = fc.array(fc.array(change, { maxLength: 6 }).map(careful), { maxLength: 5 });

/** A layer in the words of `layerTar`. */
export function wordsOf(layer: readonly Change[]): string {
  return layer.map(({ kind, path: at, size }) => `${kind} ${at} ${kind === 'file' ? 'x'.repeat(size) : ''}`).join('\n');
}
