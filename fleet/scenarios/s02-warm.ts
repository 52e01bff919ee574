import { hitRate, hitsBySource, layerBytes, layersIn, medianSeconds, perBuild } from '../report/figures.ts';
import { ofPlace } from '../lab/lab.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s2-cache', tag: 'main' };

/** What a fully cached build on an empty machine may ask its cache. */
const REQUESTS = 3;

/** Everything is cached; each builder starts empty. */
export const warm: Scenario = {
  id: 'S2',
  title: 'warm cache, empty stores',
  holds: `at most ${REQUESTS} cache requests and no layer bytes per build, all steps hit, the same image`,
  async run(lab, judge) {
    const build = await lab.generate('s2');
    const cold = await lab.buildOnce(build, place);
    judge.succeeded(cold, 'the cold build');
    const builders = Math.min(lab.size.builders, lab.size.isFull ? 20 : 2);
    await using station = await lab.builder();
    const others = await lab.inWaves(builders - 1, () => lab.buildOnce(build, place));
    const builds = [await station.build(build, place), ...others];
    const layers = await layersIn(lab.registry.host, place);
    for (const built of builds) {
      judge.succeeded(built, built.lane);
      judge.allHit(built, built.lane);
      judge.countsAgree(built, place, built.lane);
      const { length } = ofPlace(built.exchanges, place);
      judge.expect(length <= REQUESTS, `${built.lane} asked its cache ${length} times`);
    }
    judge.oneImage([cold, ...builds], 'cold and warm builds');
    const bytes = layerBytes(builds, layers);
    judge.expect(bytes === 0, `${bytes} bytes of layers were fetched`);
    const slow: Record<string, number> = {};
    for (const latency of lab.size.isFull ? [50, 100] : [50]) {
      lab.proxy.latency = latency;
      const built = await lab.buildOnce(build, place);
      judge.allHit(built, `the build at ${latency} ms`);
      slow[`seconds at ${latency} ms a round trip`] = medianSeconds([built]);
    }
    lab.proxy.latency = 0;
    const local = await station.build(build, undefined);
    return {
      builders,
      'hit rate, %': hitRate(builds),
      'hits by store/hints/tags': hitsBySource(builds),
      'requests per build': perBuild(builds, place).requests,
      'bytes down per build': perBuild(builds, place).down,
      'layer bytes': bytes,
      'seconds, and with a full store': `${medianSeconds(builds)} and ${medianSeconds([local])}`,
      ...slow,
    };
  },
};
