import { hitNames, Oracle } from '../oracle.ts';
import { hitRate, medianSeconds, perBuild } from '../report/figures.ts';
import { walkRecords } from '../walker/walk-records.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s3-cache', tag: 'main' };

/** Each builder has changed another file of one commit. */
export const oneFile: Scenario = {
  id: 'S3',
  title: 'one file changed per builder',
  holds: 'exactly the steps hit that hit in a store of one’s own',
  async run(lab, judge) {
    const random = lab.random('s3');
    const build = await lab.generate('s3');
    await using oracle = await Oracle.of(lab, build, place);
    const count = lab.size.isFull ? lab.size.builders / 2 : 1;
    const builds = await lab.inWaves(count, async (i) => {
      const file = random.pick(build.files);
      const changed = await lab.change(build, `s3-${i}`, file);
      const { hits: wanted, image } = await oracle.ask(changed);
      const built = await lab.buildOnce(changed, place);
      judge.succeeded(built, built.lane);
      judge.countsAgree(built, place, built.lane);
      judge.expect(built.image === image, `${built.lane} (${file}) made another image than a builder without a cache`);
      const hits = hitNames(built.steps);
      const differing = [
        ...wanted.filter((name) => !hits.includes(name)),
        ...hits.filter((name) => !wanted.includes(name)),
      ];
      judge.expect(
        differing.length === 0,
        `${built.lane} (${file}) differs from the oracle in ${differing.join('; ')}`,
      );
      return built;
    });
    judge.add(await walkRecords(lab.registry.host, place.repository));
    return {
      builders: count,
      'hit rate, %': hitRate(builds),
      'requests per build': perBuild(builds, place).requests,
      'bytes down per build': perBuild(builds, place).down,
      'bytes up per build': perBuild(builds, place).up,
      seconds: medianSeconds(builds),
    };
  },
};
