import { setTimeout as delay } from 'node:timers/promises';
import { checkStore } from '@tsbuild/builder';
import type { Lab } from '../lab/lab.ts';
import { recordTags, walkRecords } from '../walker/walk-records.ts';
import type { Judge } from './judge.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s10-cache', tag: 'main' };

/** Milliseconds within which a build of these dies. */
const LIFE = 2500;

/** Kill -9 of builders at any moment. */
export const buildersDie: Scenario = {
  id: 'S10',
  title: 'builders are killed at random moments',
  holds: 'records and stores are whole; the next build succeeds and uses what was finished',
  async run(lab, judge) {
    const random = lab.random('s10');
    const build = await lab.generate('s10', { largest: 256 * 1024 });
    const { kills } = lab.size;
    const moments = Array.from({ length: kills }, () => random.below(LIFE));
    await lab.inWaves(kills, (i) => killOne(lab, i, moments[i] ?? 0, build.files[i % build.files.length] ?? '', judge));
    judge.add(await walkRecords(lab.registry.host, place.repository));
    const { length } = await recordTags(lab.registry.host, place.repository);
    const last = await lab.buildOnce(build, place);
    judge.succeeded(last, 'the build afterwards');
    const again = await lab.buildOnce(build, place);
    judge.allHit(again, 'the build after that');
    return { 'builders killed': kills, 'records they left': length };
  },
};

async function killOne(lab: Lab, i: number, moment: number, file: string, judge: Judge): Promise<void> {
  const build = await lab.change(await lab.generate('s10', { largest: 256 * 1024 }), `s10-${i}`, file);
  await using station = await lab.builder();
  const { builder } = station;
  const child = builder.start(station.order(build, place));
  const ending = builder.outcomeOf(child);
  await delay(moment);
  child.kill('SIGKILL');
  await ending;
  const what = `the builder that was killed after ${moment} ms`;
  const findings = await faultsOfStore(builder.root);
  judge.expect(findings.length === 0, `${what} left a damaged store: ${findings.join('; ')}`);
  judge.succeeded(await station.build(build, place), `${what}, again`);
}

/** What is damaged in a store; one that was not made yet is whole. */
async function faultsOfStore(root: string): Promise<readonly string[]> {
  try {
    const { findings } = await checkStore(root, {}, new AbortController().signal);
    return findings.filter(({ severity }) => severity !== 'litter').map(({ path, message }) => `${path}: ${message}`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return /there is no image store/.test(message) ? [] : [message];
  }
}
