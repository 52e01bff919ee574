import { judgeRecord } from '../../packages/builder/src/shared-cache/record/judge-record.ts';
import {
  generateSigningKey,
  signingKey,
  trustedKey,
} from '../../packages/builder/src/shared-cache/record/record-signature.ts';
import { type Built, type Lab } from '../lab/lab.ts';
import type { GeneratedBuild } from '../lab/generated-build.ts';
import type { Place } from '../lab/place.ts';
import { ask, removeTag } from '../walker/registry-reader.ts';
import { readRecord } from '../walker/stored-record.ts';
import { recordTags, walkRecords } from '../walker/walk-records.ts';
import type { Judge } from './judge.ts';
import { FORGERIES, LIES, type Poison, poisonRecord, putPoisonedLayers } from './poison.ts';
import type { Scenario } from './scenario.ts';

const place = { repository: 'fleet/s6-cache', tag: 'main' };

/** How readers judge. */
const READER = { policy: 'signed', scope: place.repository, now: Date.parse('2026-01-01') } as const;

/** Whoever may push to the repository forges records; the readers trust one key. */
export const poisoning: Scenario = {
  id: 'S6',
  title: 'poisoned records',
  holds: 'each is a miss, the image is that of a clean build, and the writer with the key replaces it',
  async run(lab, judge) {
    const build = await lab.generate('s6', { largest: 64 * 1024 });
    const { pem, publicKey } = generateSigningKey();
    const env = { TSBUILD_CACHE_KEY: pem };
    const trust = `trusted=${publicKey}`;
    const signed = { trusted: [trustedKey(publicKey)], scope: place.repository };
    const write = (): Promise<Built> => lab.buildOnce(build, place, { env });
    const clean = await write();
    judge.succeeded(clean, 'the clean build');
    judge.add(await walkRecords(lab.registry.host, place.repository, { signed }));

    const forged = await poisonAll(lab, place, FORGERIES, pem, judge);
    const reader = await lab.buildOnce(build, place, { attributes: trust, writes: false });
    judge.succeeded(reader, 'the reader of forgeries');
    const believed = reader.steps.filter(({ end }) => end === 'cached');
    judge.expect(believed.length === 0, `it believed ${believed.map(({ name }) => name).join('; ')}`);
    judge.oneImage([clean, reader], 'the clean build and the reader of forgeries');

    judge.succeeded(await write(), 'the writer with the key');
    judge.add(await walkRecords(lab.registry.host, place.repository, { signed }));
    const healed = await lab.buildOnce(build, place, { attributes: trust, writes: false });
    judge.allHit(healed, 'the build after the records were replaced');
    judge.oneImage([clean, healed], 'the clean build and the one after the repair');

    const lies = await readLies(lab, build, clean, trust, pem, judge);
    return { 'records forged': forged, 'in ways': FORGERIES.length + lies, believed: believed.length };
  },
};

/** Lies of the key's own holder: what is read of the layers shows them. */
async function readLies(
  lab: Lab,
  build: GeneratedBuild,
  clean: Built,
  trust: string,
  pem: string,
  judge: Judge,
): Promise<number> {
  const kinds = lab.size.isFull ? LIES : LIES.slice(0, 1);
  for (const lie of kinds) {
    await poisonAll(lab, place, [lie], pem, judge);
    const args = ['-o', `type=docker,dest=${lab.directory}/lies.tar`];
    const reader = await lab.buildOnce(build, place, { attributes: trust, writes: false, args });
    judge.succeeded(reader, `the reader of ${lie.name}`);
    judge.oneImage([clean, reader], `the clean build and the reader of ${lie.name}`);
    if (lie === kinds.at(-1)) break;
    // Who signs must take back what he lied about.
    for (const tag of await recordTags(lab.registry.host, place.repository)) {
      await removeTag(lab.registry.host, place.repository, tag);
    }
    judge.succeeded(
      await lab.buildOnce(build, place, { env: { TSBUILD_CACHE_KEY: pem } }),
      'the writer after the lies',
    );
  }
  return kinds.length;
}

/** Poisons every record of a place, in turn in each way, and takes the hints away. @returns how many */
async function poisonAll(
  { registry: { host } }: Lab,
  { repository, tag: hints }: Place,
  poisons: readonly Poison[],
  pem: string,
  judge: Judge,
): Promise<number> {
  const tags = await recordTags(host, repository);
  const records = await Promise.all(tags.map((tag) => readRecord(host, repository, tag)));
  const [trusted, stranger] = [signingKey(pem), signingKey(generateSigningKey().pem)];
  let count = 0;
  await putPoisonedLayers(host, repository);
  for (const [i, tag] of tags.entries()) {
    const poison = poisons[i % poisons.length];
    const [own, other] = [records[i], records[(i + 1) % records.length]];
    if (poison === undefined || typeof own !== 'object' || typeof other !== 'object') continue;
    // Facts of base images have no layer to lie about.
    if (own.record.blob === undefined) continue;
    const keys = { trusted, stranger, scope: repository, other: other.record };
    const text = await poisonRecord(host, repository, tag, poison, keys);
    const verdict = judgeRecord(text, own.record.key, { ...READER, trusted: [trustedKey(trusted.publicKey)] });
    const said = typeof verdict === 'string' ? verdict : undefined;
    judge.expect(
      poison.reason?.test(said ?? '') ?? said === undefined,
      `a record ${poison.name} is refused because ${said}`,
    );
    count++;
  }
  const { status } = await ask(host, 'HEAD', `${repository}/manifests/${hints}`);
  if (status === 200) await removeTag(host, repository, hints);
  return count;
}
