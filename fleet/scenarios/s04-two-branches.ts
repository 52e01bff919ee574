import { hitRate, perBuild } from '../report/figures.ts';
import { recordTags, walkRecords } from '../walker/walk-records.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s4-cache', tag: 'main' };

/** Two branches build in turn through one reference: whoever writes last must not take the other's records away. */
export const twoBranches: Scenario = {
  id: 'S4',
  title: 'two branches in turn',
  holds: 'after the first build of each, every step hits: no branch loses a record',
  async run(lab, judge) {
    const left = await lab.generate('s4-left');
    const right = await lab.generate('s4-right');
    for (const build of [left, right]) judge.succeeded(await lab.buildOnce(build, place), 'the first build');
    const rounds = lab.size.isFull ? lab.size.builders / 2 : 1;
    const builds = [];
    let known = 0;
    for (let i = 0; i < rounds; i++) {
      for (const build of [left, right]) {
        const built = await lab.buildOnce(build, place);
        judge.succeeded(built, built.lane);
        judge.allHit(built, `build ${i} of ${build === left ? 'left' : 'right'}`);
        builds.push(built);
      }
      const { length } = await recordTags(lab.registry.host, place.repository);
      judge.expect(length >= known, `there were ${known} records, now there are ${length}`);
      known = length;
    }
    judge.add(await walkRecords(lab.registry.host, place.repository));
    return {
      builds: builds.length,
      'hit rate, %': hitRate(builds),
      records: known,
      'requests per build': perBuild(builds, place).requests,
      'bytes up per build': perBuild(builds, place).up,
    };
  },
};
