import { encodeSharedRecord } from '../../packages/builder/src/shared-cache/record/shared-record.ts';
import type { Lab } from '../lab/lab.ts';
import { recordTags, walkRecords } from '../walker/walk-records.ts';
import { ask, putManifest, removeTag } from '../walker/registry-reader.ts';
import { readRecord } from '../walker/stored-record.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s12-cache', tag: 'main' };

const DAY = 86_400_000;

/** How often a record may be written anew within one period of its touch. */
const TOUCHES = 2;

/** Somebody prunes while others build; and everybody finds that the records are old. */
export const prune: Scenario = {
  id: 'S12',
  title: 'prune while building; a storm of touches',
  holds: `builds succeed, records in use survive an age rule, each is touched at most ${TOUCHES} times`,
  async run(lab, judge) {
    const beside = lab.size.isFull ? lab.size.atOnce : 1;
    const build = await lab.generate('s12', { largest: 64 * 1024 });
    const cold = await lab.buildOnce(build, place);
    judge.succeeded(cold, 'the first build');
    const before = await recordTags(lab.registry.host, place.repository);

    await using pruner = await lab.builder('pruner');
    const ref = `${pruner.host}/${place.repository}:${place.tag}`;
    const [hot, ...builds] = await Promise.all([
      pruner.builder.run(['cache', 'prune', '--remote', ref, '--older-than', '1h', '-f']),
      ...Array.from({ length: beside }, () => lab.buildOnce(build, place)),
    ]);
    judge.expect(hot.exitCode === 0, `prune failed: ${hot.stderr.slice(-300)}`);
    for (const built of builds) judge.succeeded(built, built.lane);
    judge.oneImage([cold, ...builds], 'builds beside a prune');
    const after = await recordTags(lab.registry.host, place.repository);
    judge.expect(
      after.length === before.length,
      `an age rule of an hour left ${after.length} of ${before.length} records`,
    );

    const [everything, ...during] = await Promise.all([
      pruner.builder.run(['cache', 'prune', '--remote', ref, '--older-than', '0', '-f']),
      ...Array.from({ length: beside }, () => lab.buildOnce(build, place)),
    ]);
    judge.expect(everything.exitCode === 0, `prune of everything failed: ${everything.stderr.slice(-300)}`);
    for (const built of during) judge.succeeded(built, `${built.lane}, while everything goes`);
    judge.oneImage([cold, ...during], 'builds while everything goes');
    judge.add(await walkRecords(lab.registry.host, place.repository));

    // Builds beside the prune may have told of records that went.
    const hints = await ask(lab.registry.host, 'HEAD', `${place.repository}/manifests/${place.tag}`);
    if (hints.status === 200) await removeTag(lab.registry.host, place.repository, place.tag);
    judge.succeeded(await lab.buildOnce(build, place), 'the build that fills the cache again');
    await age(lab);
    const from = lab.proxy.exchanges.length;
    const storm = lab.size.isFull ? lab.size.builders / 2 : 2;
    const touching = await lab.inWaves(storm, () => lab.buildOnce(build, place, { attributes: 'touch=7d' }));
    for (const built of touching) {
      judge.succeeded(built, built.lane);
      judge.allHit(built, built.lane);
    }
    const touches = new Map<string, number>();
    for (const { method, kind, name, repository, status } of lab.proxy.since(from)) {
      if (repository !== place.repository || method !== 'PUT' || kind !== 'manifest' || status !== 201) continue;
      if (name.startsWith('k1-')) touches.set(name, (touches.get(name) ?? 0) + 1);
    }
    const most = Math.max(0, ...touches.values());
    judge.expect(most > 0 || !lab.size.isFull, `nobody of ${storm} builders touched a record`);
    judge.expect(most <= TOUCHES, `a record was written ${most} times by ${storm} builders`);
    return {
      records: before.length,
      'builders that touch': storm,
      'most touches of a record': most,
    };
  },
};

/** Makes all records thirty days older, so that whoever uses one may find that it wants touching. */
async function age({ registry: { host } }: Lab): Promise<void> {
  for (const tag of await recordTags(host, place.repository)) {
    const found = await readRecord(host, place.repository, tag);
    if (typeof found === 'string') continue;
    const { manifest, annotation, record } = found;
    const text = encodeSharedRecord({ ...record, created: record.created - 30 * DAY });
    const annotations = { ...manifest.annotations, [annotation]: text };
    await putManifest(host, place.repository, tag, Buffer.from(JSON.stringify({ ...manifest, annotations })));
  }
  // The hints have them as they were.
  await removeTag(host, place.repository, place.tag);
}
