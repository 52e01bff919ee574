import {
  layerBytes,
  duplicateExecutions,
  hitRate,
  layersIn,
  medianSeconds,
  perBuild,
  uploadsOf,
} from '../report/figures.ts';
import { walkRecords } from '../walker/walk-records.ts';
import type { Built } from '../lab/lab.ts';
import { isUpload } from '../proxy/exchange.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s1-cache', tag: 'main' };

/** An empty cache, and everybody builds the same commit; then everybody else, wave after wave. */
export const stampede: Scenario = {
  id: 'S1',
  title: 'cold stampede, then waves',
  holds: 'one image; no blob sent more often than there are racers, none after the first wave',
  async run(lab, judge) {
    const { proxy, registry, size } = lab;
    const build = await lab.generate('s1');
    const first = await lab.inWaves(size.atOnce, () => lab.buildOnce(build, place));
    const raced = proxy.exchanges.length;
    const others = await lab.inWaves(size.builders - size.atOnce, () => lab.buildOnce(build, place));
    const all = [...first, ...others];
    for (const built of all) {
      judge.succeeded(built, built.lane);
      judge.countsAgree(built, place, built.lane);
    }
    judge.oneImage(all, `${all.length} builders`);
    for (const built of others) judge.allHit(built, built.lane);
    const sent = uploadsOf(first.flatMap(({ exchanges }) => exchanges));
    const late = uploadsOf(proxy.since(raced));
    judge.expect(sent.most <= size.atOnce, `one blob was sent ${sent.most} times by ${size.atOnce} racers`);
    judge.expect(late.blobs === 0, `${late.blobs} blobs were sent after the first wave${whatWasAmiss(first, others)}`);
    judge.add(await walkRecords(registry.host, place.repository));
    return {
      builders: all.length,
      'hit rate after the first wave, %': hitRate(others),
      'duplicate executions': duplicateExecutions(first),
      'blobs sent': sent.blobs,
      'of them twice': sent.again,
      'requests per later build': perBuild(others, place).requests,
      'bytes down per later build': perBuild(others, place).down,
      'layer bytes per later build': layerBytes(others, await layersIn(registry.host, place)),
      'seconds, cold and later': `${medianSeconds(first)} and ${medianSeconds(others)}`,
    };
  },
};

/** Requests of the builds that sent something, and what the ones before had to say. */
function whatWasAmiss(first: readonly Built[], others: readonly Built[]): string {
  const senders = others.filter(({ exchanges }) => exchanges.some(isUpload));
  const asked = senders.flatMap(({ lane, exchanges }) =>
    exchanges.map(({ method, kind, name, status }) => `${lane}: ${method} ${kind} ${name} ${status}`),
  );
  const told = first.flatMap(({ lane, notices, cache }) =>
    [...notices, JSON.stringify(cache)].map((text) => `${lane}: ${text}`),
  );
  return ['', ...told, ...asked].join('\n        ');
}
