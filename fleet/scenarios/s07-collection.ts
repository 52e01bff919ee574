import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from '../lab/lab.ts';
import { removeTag, tagsOf } from '../walker/registry-reader.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s7-cache', tag: 'main' };

/** The registry loses what builds were promised. */
export const collection: Scenario = {
  id: 'S7',
  title: 'records and layers go while builds use them',
  holds: 'the steps whose layers are gone run again; every build succeeds with the same image',
  async run(lab, judge) {
    const build = await lab.generate('s7');
    const archive = join(lab.directory, 's7.tar');
    const args = ['-o', `type=docker,dest=${archive}`];
    const cold = await lab.buildOnce(build, place);
    judge.succeeded(cold, 'the first build');

    // A store that was promised every layer, and has none.
    await using promised = await lab.builder();
    const lazy = await promised.build(build, place);
    judge.succeeded(lazy, 'the build that is promised layers');
    judge.allHit(lazy, 'the build that is promised layers');
    await loseEverything(lab);
    const afterwards = await promised.build(build, place, { args, writes: false });
    judge.succeeded(afterwards, 'the build after the collection');
    const again = afterwards.steps.filter(({ end }) => end === 'ran').length;
    judge.expect(again > 0, 'nothing ran again, although every layer was gone');

    // The same while the build runs: slow, so that there is a middle.
    judge.succeeded(await lab.buildOnce(build, place), 'the build that fills the cache again');
    const wait = lab.random('s7').below(400);
    lab.proxy.latency = 40;
    const running = lab.buildOnce(build, place, { args, writes: false });
    await delay(600 + wait);
    // Without stopping the registry: it has the base image too, which no step could make again.
    await forget(lab);
    await lab.registry.collectGarbage();
    const middle = await running;
    lab.proxy.latency = 0;
    judge.succeeded(middle, `the build during the collection (after ${600 + wait} ms)`);
    judge.oneImage([cold, lazy, afterwards, middle], 'builds before, during and after');
    await rm(archive, { force: true });
    return { 'steps that ran again': again };
  },
};

/** Deletes every manifest of the cache. */
async function forget({ registry: { host } }: Lab): Promise<void> {
  for (const tag of await tagsOf(host, place.repository)) await removeTag(host, place.repository, tag);
}

async function loseEverything(lab: Lab): Promise<void> {
  await forget(lab);
  await lab.registry.kill();
  await lab.registry.collectGarbage();
  await lab.registry.start();
}
