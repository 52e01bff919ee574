import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchBuild } from '../../packages/builder/testing/build-bench.ts';
import { makeTar } from '../../packages/oci/testing/make-tar.ts';
import type { RawMember } from '../../packages/oci/testing/make-tar.ts';
import { loadArchive } from '@tsbuild/oci/node';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import type { HostileCase, Site } from './case.ts';
import { baseLayer, dockerArchive } from './take-layers.ts';

/** A build with a hostile context or Dockerfile. */
export interface BuildAttack {
  readonly refused?: RegExp;
  /** Whether it has a RUN. */
  readonly runs?: boolean;
  /** Puts into the context what files alone cannot say. */
  readonly prepare?: (context: string, site: Site) => void;
  /** Members of a layer on top of the base of the image `evil`. */
  readonly image?: (canary: string) => readonly RawMember[];
  /** Looks at what was built. @throws Harmed */
  readonly check?: (built: BenchBuild, site: Site) => void;
}

/** A case of one build. `CANARY` in the Dockerfile is the canary's folder, `evil` an image with the attack's layer. */
export function buildCase(row: string, name: string, dockerfile: string, attack: BuildAttack = {}): HostileCase {
  return {
    row,
    name,
    ...(attack.refused === undefined ? {} : { refused: attack.refused }),
    ...(attack.runs === true ? { runs: true } : {}),
    attempt: async (site) => {
      const { bench, word, folder, canary } = site;
      const context = join(folder, 'context');
      mkdirSync(context);
      if (attack.image !== undefined) {
        const layers = [baseLayer(), makeTar(attack.image(canary.path))];
        await loadArchive(chunked(dockerArchive(`${word}:1`, layers)), bench.store.layout);
      }
      const text = dockerfile.replaceAll('CANARY', canary.path).replaceAll('evil:1', `${word}:1`);
      bench.files(`${word}/context`, { Dockerfile: text, 'file.txt': 'harmless\n' });
      attack.prepare?.(context, site);
      const built = await bench.buildIn(context, { noCache: true });
      attack.check?.(built, site);
    },
  };
}
