import type { GeneratedBuild } from './lab/generated-build.ts';
import type { Lab, Station } from './lab/lab.ts';
import type { Place } from './lab/place.ts';

/** What a build gives that has no shared cache. */
export interface Truth {
  readonly image: string;
  /** Names of the steps that hit, sorted. */
  readonly hits: readonly string[];
}

/**
 * What a perfect shared cache would give: the image of a build, and the steps that hit in one store in which the unchanged
 * build was built before. The builds that it is asked for must differ from that one each in a file of its own.
 */
export class Oracle implements AsyncDisposable {
  readonly #station: Station;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(station: Station) {
    this.#station = station;
  }

  /**
   * Its first build also fills the cache at `place`, which it never reads.
   * @throws Error when the unchanged build fails
   */
  static async of(lab: Lab, unchanged: GeneratedBuild, place: Place): Promise<Oracle> {
    const oracle = new Oracle(await lab.builder('oracle'));
    await oracle.#build(unchanged, place);
    return oracle;
  }

  /** Builds, one after the other. @throws Error when the build fails */
  ask(build: GeneratedBuild): Promise<Truth> {
    return this.#build(build, undefined);
  }

  async #build(build: GeneratedBuild, place: Place | undefined): Promise<Truth> {
    const asked = this.#last.then(() => this.#station.build(build, place, { reads: false }));
    this.#last = asked.catch(() => undefined);
    const { exitCode, stderr, steps, image } = await asked;
    if (exitCode !== 0) throw new Error(`the oracle fails: ${stderr.slice(-500)}`);
    return { image, hits: hitNames(steps) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#station[Symbol.asyncDispose]();
  }
}

/** Names of the steps that were not executed, sorted. */
export function hitNames(steps: readonly { readonly name: string; readonly end: string }[]): readonly string[] {
  return steps
    .filter(({ end }) => end === 'cached')
    .map(({ name }) => name)
    .toSorted();
}
