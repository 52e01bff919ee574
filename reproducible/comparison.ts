import { rmSync } from 'node:fs';
import { type BuiltImage, PASSES } from './build-cell.ts';
import { differences } from './difference.ts';

/** So many lines of one difference are shown. */
const MOST_LINES = 40;

/** Compares every image of a stage with the first one, whose archive stays until the end. */
export class Comparison {
  readonly #first = new Map<string, BuiltImage>();
  readonly #different: string[] = [];
  #count = 0;

  /** Whether all images of each stage are one so far; there must be some. */
  get isOne(): boolean {
    return this.#count > 0 && this.#different.length === 0;
  }

  /** @returns for each stage a word for each pass: the digest's first digits, or DIFFERENT */
  async add(name: string, images: readonly BuiltImage[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const bad = new Set<BuiltImage>();
    for (const image of images) {
      this.#count++;
      const first = this.#first.get(image.target);
      if (first === undefined) {
        this.#first.set(image.target, image);
        continue;
      }
      if (image.digest !== first.digest || image.archive !== first.archive) {
        bad.add(image);
        const lines = await differences(first.path, image.path);
        const more = lines.length > MOST_LINES ? [`… and ${lines.length - MOST_LINES} lines more`] : [];
        const head = `DIFFERENT: stage ${image.target}, ${image.pass}, ${name}: ${image.digest}, not ${first.digest}`;
        this.#different.push([head, ...[...lines.slice(0, MOST_LINES), ...more].map((line) => `  ${line}`)].join('\n'));
      }
      rmSync(image.path);
    }
    const words = new Map<string, string[]>();
    for (const image of images) {
      const ofStage = words.get(image.target) ?? PASSES.map(() => '-');
      const start = image.digest.slice('sha256:'.length, 'sha256:'.length + 12);
      ofStage[PASSES.indexOf(image.pass)] = bad.has(image) ? 'DIFFERENT' : start;
      words.set(image.target, ofStage);
    }
    return words;
  }

  /** The digests, or in what images differ. */
  summary(): string {
    if (this.#different.length > 0) return `\n${this.#different.join('\n')}\n`;
    const lines = [...this.#first.values()].map(({ target, digest }) => `${target}: ${digest}\n`);
    return `\n${lines.join('')}${this.#count} builds, ${this.#first.size} stages: each is one image, manifest and archive.\n`;
  }
}
