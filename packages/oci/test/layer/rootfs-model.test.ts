import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { show, tree } from './layer-dsl.ts';

/** One change of a layer; paths are short, so that layers meet. */
const paths: readonly string[] = ['a', 'b', 'a-b', 'a/a', 'a/b', 'a/a/a', 'a/a/b', 'b/a', 'b/b/a'];
const path = fc.constantFrom(...paths);
const change = fc.record({ kind: fc.constantFrom('file', 'dir', 'whiteout', 'opaque'), path, size: fc.nat(3) });
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** What extracting the layers one after the other leaves: paths with what `show` says of them. */
class ExtractedTree {
  readonly #entries = new Map<string, string>();

  apply(changes: readonly Change[]): void {
    // Whiteouts speak of the layers below, so they come first whatever their place.
    for (const { kind, path: at } of changes) {
      if (kind !== 'whiteout' && kind !== 'opaque') continue;
      if (kind === 'whiteout') this.#remove(at);
      else this.#removeBelow(at);
    }
    for (const { kind, path: at, size } of changes) {
      const parts = at.split('/');
      const last = kind === 'opaque' ? parts.length : parts.length - 1;
      for (let i = 1; i <= last; i++) this.#makeDirectory(parts.slice(0, i).join('/'));
      if (kind === 'dir') this.#makeDirectory(at);
      if (kind === 'file') {
        this.#remove(at);
        this.#entries.set(at, `${at} (${size})`);
      }
    }
  }

  list(): string[] {
    return [...this.#entries.values()].toSorted();
  }

  #makeDirectory(at: string): void {
    this.#entries.set(at, `${at}/`);
  }

  #remove(at: string): void {
    this.#removeBelow(at);
    this.#entries.delete(at);
  }

  #removeBelow(at: string): void {
    for (const other of this.#entries.keys()) if (other.startsWith(`${at}/`)) this.#entries.delete(other);
  }
}

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

const layers = fc.array(fc.array(change, { maxLength: 6 }).map(careful), { maxLength: 5 });

it('shows what extracting the layers in order would leave', async () => {
  await fc.assert(
    fc.asyncProperty(layers, async (changes) => {
      const model = new ExtractedTree();
      for (const layer of changes) model.apply(layer);
      const words = changes.map((layer) =>
        layer.map(({ kind, path: at, size }) => `${kind} ${at} ${kind === 'file' ? 'x'.repeat(size) : ''}`).join('\n'),
      );
      expect(show(await tree(...words)).toSorted()).toEqual(model.list());
    }),
    { numRuns: 400 },
  );
});
