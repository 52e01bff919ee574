import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { walkRecords } from '../walker/walk-records.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s9-cache', tag: 'main' };

/** Kill -9 of the registry while it is written to, and an empty disk afterwards. */
export const registryDies: Scenario = {
  id: 'S9',
  title: 'the registry is killed while it is written to, and loses its disk',
  holds: 'builds succeed; no record is there in part',
  async run(lab, judge) {
    const random = lab.random('s9');
    const kills = lab.size.isFull ? Math.max(3, Math.round(lab.size.kills / 10)) : 1;
    const build = await lab.generate('s9');
    for (let i = 0; i < kills; i++) {
      const changed = await lab.change(build, `s9-${i}`, random.pick(build.files));
      // Its base image must be there before the registry goes.
      await using station = await lab.builder();
      judge.succeeded(await station.build(build, place, { reads: false, writes: false }), 'the build without a cache');
      await station.builder.run(['cache', 'prune', '-f']);
      const running = station.build(changed, place, { args: ['--cache-drain', '20', '--no-cache'] });
      const after = 300 + random.below(900);
      await delay(after);
      await lab.registry.kill();
      await delay(lab.size.isFull ? 3000 : 500);
      await lab.registry.start();
      judge.succeeded(await running, `the build whose registry was killed after ${after} ms`);
      judge.add(await walkRecords(lab.registry.host, place.repository, { wasKilled: true }));
      judge.succeeded(await lab.buildOnce(changed, place), 'the next build');
    }
    await lab.registry.kill();
    await rm(join(lab.registry.directory, 'storage'), { recursive: true, force: true });
    await lab.registry.start();
    await lab.restoreBase();
    judge.succeeded(await lab.buildOnce(build, place), 'the build after the disk was lost');
    const again = await lab.buildOnce(build, place);
    judge.succeeded(again, 'the build after that');
    judge.allHit(again, 'the build after that');
    judge.add(await walkRecords(lab.registry.host, place.repository));
    return { 'registry killed': kills };
  },
};
