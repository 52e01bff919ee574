import type { GeneratedBuild } from '../lab/generated-build.ts';
import type { Lab } from '../lab/lab.ts';
import { ofPlace } from '../lab/lab.ts';
import { Oracle } from '../oracle.ts';
import { FaultPlan } from '../proxy/fault-plan.ts';
import { medianSeconds } from '../report/figures.ts';
import { walkRecords } from '../walker/walk-records.ts';
import type { Judge } from './judge.ts';
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
  async run(lab, judge) {
    const build = await lab.generate('s8', { largest: 64 * 1024 });
    await using oracle = await Oracle.of(lab, build, place);
    const seconds: Record<string, string> = {};
    for (const [i, trouble] of TROUBLES.entries()) {
      if (!lab.size.isFull && trouble.isQuick !== true) continue;
      seconds[trouble.name] = await suffer(lab, trouble, await changedBuild(lab, build, i), oracle, judge);
    }
    judge.add(await walkRecords(lab.registry.host, place.repository));
    return seconds;
  },
};

/** Another file is changed for each trouble, until all have been; then they are changed once more. */
async function changedBuild(lab: Lab, build: GeneratedBuild, i: number): Promise<GeneratedBuild> {
  return lab.change(build, `s8-${i}`, build.files[i % build.files.length] ?? '');
}

/** One build through a trouble, which has some steps in the cache and others not. @returns what it took */
async function suffer(
  lab: Lab,
  trouble: Trouble,
  build: GeneratedBuild,
  oracle: Oracle,
  judge: Judge,
): Promise<string> {
  const { image } = await oracle.ask(build);
  lab.proxy.plan = new FaultPlan(trouble.rules, lab.random(trouble.name));
  const built = await lab.buildOnce(build, place, { args: ['--cache-drain', '10'] });
  lab.proxy.plan = undefined;
  judge.succeeded(built, `the build with ${trouble.name}`);
  judge.expect(built.image === image, `with ${trouble.name} it made another image than without a cache`);
  const requests = ofPlace(built.exchanges, place).length;
  if (trouble.isTotal === true) {
    judge.expect(requests <= REQUESTS_OF_THE_DOOMED, `with ${trouble.name} it asked ${requests} times`);
  }
  return `${medianSeconds([built])} s, ${requests} requests`;
}
