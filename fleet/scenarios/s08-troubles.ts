import type { Lab } from '../lab/lab.ts';
import { ofPlace } from '../lab/lab.ts';
import { FaultPlan } from '../proxy/fault-plan.ts';
import { medianSeconds } from '../report/figures.ts';
import { walkRecords } from '../walker/walk-records.ts';
import { Judge } from './judge.ts';
import type { Scenario } from './scenario.ts';
import { TROUBLES, type Trouble } from './troubles.ts';

const place = { repository: 'fleet/s8-cache', tag: 'main' };

/** Requests that a build sends to a place from which nothing can be had: the breaker's failures, each tried anew. */
const REQUESTS_OF_THE_DOOMED = 60;

/** A registry that is slow, broken, full or silent, in every way. */
export const troubles: Scenario = {
  id: 'S8',
  title: '429, 5xx, 401, slow, silent, reset, lost and truncated answers',
  holds: `every build succeeds with the right image; where nothing can be had, at most ${REQUESTS_OF_THE_DOOMED} requests`,
  async run(lab) {
    const judge = new Judge();
    const build = await lab.generate('s8', { largest: 64 * 1024 });
    judge.succeeded(await lab.buildOnce(build, place), 'the first build');
    const seconds: Record<string, string> = {};
    for (const trouble of TROUBLES) {
      if (!lab.size.isFull && trouble.isQuick !== true) continue;
      seconds[trouble.name] = await suffer(lab, trouble, judge);
    }
    judge.add(await walkRecords(lab.registry.host, place.repository));
    return { faults: judge.faults, figures: seconds };
  },
};

/** One build through a trouble, which has some steps in the cache and others not. @returns what it took */
async function suffer(lab: Lab, trouble: Trouble, judge: Judge): Promise<string> {
  const build = await lab.generate('s8', { largest: 64 * 1024 });
  const name = `s8-${trouble.name.replaceAll(/\W+/g, '-')}`;
  const changed = await lab.change(build, name, lab.random(name).pick(build.files));
  await using station = await lab.builder('clean');
  const clean = await station.build(changed, undefined);
  lab.proxy.plan = new FaultPlan(trouble.rules, lab.random(name));
  const built = await lab.buildOnce(changed, place, { args: ['--cache-drain', '10s'] });
  lab.proxy.plan = undefined;
  judge.succeeded(built, `the build with ${trouble.name}`);
  judge.oneImage([clean, built], `a clean build and one with ${trouble.name}`);
  const requests = ofPlace(built.exchanges, place).length;
  if (trouble.isTotal === true) {
    judge.expect(requests <= REQUESTS_OF_THE_DOOMED, `with ${trouble.name} it asked ${requests} times`);
  }
  return `${medianSeconds([built])} s instead of ${medianSeconds([clean])} s, ${requests} requests`;
}
