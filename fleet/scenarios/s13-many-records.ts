import { medianSeconds, perBuild } from '../report/figures.ts';
import { ask, putManifest } from '../walker/registry-reader.ts';
import { recordTags } from '../walker/walk-records.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s13-cache', tag: 'main' };

/** A repository with the records of months. */
export const manyRecords: Scenario = {
  id: 'S13',
  isLong: true,
  title: 'a repository with many records',
  holds: 'a build asks as often as in an empty one; prune and ls get to the end',
  async run(lab, judge) {
    const { host } = lab.registry;
    const build = await lab.generate('s13', { largest: 64 * 1024 });
    judge.succeeded(await lab.buildOnce(build, place), 'the first build');
    const few = await lab.buildOnce(build, place);
    const tags = await recordTags(host, place.repository);
    const { body } = await ask(host, 'GET', `${place.repository}/manifests/${tags[0]}`);
    const random = lab.random('s13');
    const digits = (): string => random.next().toString(16).padStart(8, '0');
    const { records } = lab.size;
    await lab.inWaves(
      records,
      async () => {
        const tag = `k1-${Array.from({ length: 8 }, digits).join('')}`;
        // A manifest of its own, as every record has: its text names its key.
        const text = body.toString().replaceAll(tags[0]?.slice(3) ?? '', tag.slice(3));
        await putManifest(host, place.repository, tag, Buffer.from(text));
      },
      8,
    );
    const many = await lab.buildOnce(build, place);
    judge.succeeded(many, 'the build among many records');
    judge.allHit(many, 'the build among many records');
    const [before, now] = [perBuild([few], place).requests, perBuild([many], place).requests];
    judge.expect(now <= before, `it asks ${now} times, ${before} times among few records`);
    await using keeper = await lab.builder('keeper');
    const ref = `${keeper.host}/${place.repository}:${place.tag}`;
    for (const args of [
      ['cache', 'ls', '--remote', ref],
      ['cache', 'prune', '--remote', ref, '--older-than', '1h', '--dry-run', '-f'],
    ]) {
      const { exitCode, stderr } = await keeper.builder.run(args);
      judge.expect(
        exitCode === 0,
        `tsbuild ${args.slice(0, 2).join(' ')}: exit code ${exitCode}: ${stderr.slice(-300)}`,
      );
    }
    return {
      records: records + tags.length,
      'seconds among few and many': `${medianSeconds([few])} and ${medianSeconds([many])}`,
      requests: now,
    };
  },
};
