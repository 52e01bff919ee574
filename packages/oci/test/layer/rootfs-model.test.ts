import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { show, tree } from './layer-dsl.ts';
import { type Change, layerStack, wordsOf } from './layer-stacks.ts';

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

it('shows what extracting the layers in order would leave', async () => {
  await fc.assert(
    fc.asyncProperty(layerStack, async (changes) => {
      const model = new ExtractedTree();
      for (const layer of changes) model.apply(layer);
      const words = changes.map(wordsOf);
      expect(show(await tree(...words)).toSorted()).toEqual(model.list());
    }),
    { numRuns: 400 },
  );
});
