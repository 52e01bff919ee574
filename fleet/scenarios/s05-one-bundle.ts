import { hitRate, perBuild } from '../report/figures.ts';
import { walkRecords } from '../walker/walk-records.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s5-cache', tag: 'main' };

/** Eight writers of one reference's hints at once, and eight readers beside them. */
export const oneBundle: Scenario = {
  id: 'S5',
  title: 'eight writers and eight readers of one bundle',
  holds: 'no build fails; lost hints cost requests only: afterwards every step of every writer hits',
  async run(lab, judge) {
    const parties = lab.size.isFull ? 8 : 2;
    const build = await lab.generate('s5', { largest: 64 * 1024 });
    judge.succeeded(await lab.buildOnce(build, place), 'the first build');
    const variants = await Promise.all(
      Array.from({ length: parties }, (_, i) => lab.change(build, `s5-${i}`, build.files[i] ?? '')),
    );
    const crew = [...variants.entries()].flatMap(([i, changed]) => [
      { changed, writes: true, name: `writer ${i}` },
      { changed: build, writes: false, name: `reader ${i}` },
    ]);
    // All at once: so many real processes on two cores take their time, but they do collide.
    const builds = await lab.inWaves(
      crew.length,
      async (i) => {
        const { changed, writes, name } = crew[i] ?? { changed: build, writes: false, name: '' };
        const built = await lab.buildOnce(changed, place, { writes });
        judge.succeeded(built, name);
        if (!writes) judge.allHit(built, name);
        return built;
      },
      crew.length,
    );
    const after = await lab.inWaves(parties, async (i) => {
      const built = await lab.buildOnce(variants[i] ?? build, place, { writes: false });
      judge.succeeded(built, `reader of writer ${i}`);
      judge.allHit(built, `reader of writer ${i}`);
      return built;
    });
    judge.add(await walkRecords(lab.registry.host, place.repository));
    return {
      builds: builds.length,
      'at once': crew.length,
      'hit rate afterwards, %': hitRate(after),
      'requests per build': perBuild(builds, place).requests,
      'requests per build afterwards': perBuild(after, place).requests,
    };
  },
};
