import type { Lab } from './lab/lab.ts';
import type { GeneratedBuild } from './lab/generated-build.ts';

/**
 * What a perfect shared cache would give: the steps of `changed` that hit in a store in which `build` was built, with no
 * shared cache at all.
 */
export class Oracle {
  readonly #lab: Lab;
  readonly #build: GeneratedBuild;

  constructor(lab: Lab, build: GeneratedBuild) {
    this.#lab = lab;
    this.#build = build;
  }

  /** Names of the steps that hit, sorted. */
  async hits(changed: GeneratedBuild): Promise<readonly string[]> {
    await using station = await this.#lab.builder('oracle');
    const first = await station.build(this.#build, undefined);
    const second = await station.build(changed, undefined);
    if (first.exitCode !== 0 || second.exitCode !== 0) throw new Error(`the oracle fails: ${second.stderr}`);
    return hitNames(second.steps);
  }
}

/** Names of the steps that were not executed, sorted. */
export function hitNames(steps: readonly { readonly name: string; readonly end: string }[]): readonly string[] {
  return steps
    .filter(({ end }) => end === 'cached')
    .map(({ name }) => name)
    .toSorted();
}
