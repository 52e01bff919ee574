import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from '../../packages/builder/src/build/build-options.ts';
import { paxHeader } from '../../packages/oci/testing/make-tar.ts';
import { buildCase } from './build-case.ts';
import { demand, Harmed } from './case.ts';
import type { HostileCase, Site } from './case.ts';
import { file } from './layer-case.ts';
import { STALE_CASES } from './stale-cases.ts';

/** One command under options that it can see, one after the other: each gives its own result, also when it comes again. */
function seenCase(
  what: string,
  command: string,
  choices: readonly (readonly [Partial<BuildOptions>, string])[],
): HostileCase {
  return {
    row: 'C3',
    name: `the result of a command with ${what} is not given for another`,
    runs: true,
    attempt: async ({ bench }) => {
      const text = `FROM busybox\nRUN ${command} >/seen\n`;
      for (const [options, wanted] of [...choices, ...choices]) {
        const { layer } = await bench.build(text, options);
        demand(what, layer, [`seen=${wanted}\n`]);
      }
    },
  };
}

const db = (address: string) => ({ name: 'database', address });
const nofile = (soft: number) => ({ limits: [{ name: 'nofile', soft, hard: 4096 }] });

const SEEN: readonly HostileCase[] = [
  seenCase('--add-host', 'grep database /etc/hosts | tr "\\t" " "', [
    [{ hosts: [db('10.9.9.1')] }, '10.9.9.1 database'],
    [{ hosts: [db('10.9.9.2')] }, '10.9.9.2 database'],
    [{ hosts: [db('10.9.9.2'), db('10.9.9.1')] }, '10.9.9.2 database\n10.9.9.1 database'],
    [{ hosts: [db('10.9.9.1'), db('10.9.9.2')] }, '10.9.9.1 database\n10.9.9.2 database'],
  ]),
  seenCase('--shm-size', `awk '$2 == "/dev/shm" { print $4 }' /proc/mounts | grep -o "size=[0-9]*"`, [
    [{ shmSize: 1 << 20 }, 'size=1024'],
    [{ shmSize: 2 << 20 }, 'size=2048'],
  ]),
  seenCase('--ulimit', 'ulimit -n', [
    [nofile(100), '100'],
    [nofile(200), '200'],
  ]),
];

/** A file of a lower layer whose time has a fraction, as PAX headers have them, and what a command puts in its place. */
function lostCase(how: string, script: string): HostileCase {
  return buildCase(
    'C4',
    `a command changes a file of the same size and puts its time back: ${how}`,
    // `t` keeps the time, to the nanosecond.
    `FROM evil:1\nRUN touch -r /f /t && ${script} && touch -r /t /f && rm /t && cat /f\nRUN cat /f && cp /f /next\n`,
    {
      runs: true,
      image: () => [paxHeader({ mtime: '1700000000.25' }), file('f', { content: 'AAAA\n' })],
      check: ({ layer, output }) => {
        demand('what the next command sees', layer, ['next=BBBB\n']);
        demand('output', output, 'BBBB\nBBBB\n');
      },
    },
  );
}

const LOST: readonly HostileCase[] = [
  lostCase('in place', 'printf "BBBB\\n" >/f'),
  lostCase('another file in its place', 'cp /f /g && printf "BBBB\\n" >/g && mv /g /f'),
  lostCase('by another name of it', 'ln /f /g && printf "BBBB\\n" >/g && rm /g'),
  lostCase('by way of another directory', 'mkdir /d && mv /f /d/f && printf "BBBB\\n" >/d/f && mv /d/f /f && rmdir /d'),
];

/** What can become of a record: it is JSON still, or it is not. */
const DAMAGES: readonly (readonly [string, (text: string) => string])[] = [
  ['empty', () => ''],
  ['cut', (text) => text.slice(0, text.length / 2)],
  ['null', () => 'null'],
  ['a list', () => '[]'],
  ['no output', (text) => changed(text, { output: null })],
  ['no layer', (text) => changed(text, { output: { layer: null } })],
  ['a path for a digest', (text) => changed(text, { output: { layer: { digest: '../../x', size: 1 } } })],
  ['a time that is none', (text) => changed(text, { created: 'x' })],
  ['a huge time', (text) => changed(text, { created: 1e300 })],
  ['no preimage', (text) => changed(text, { preimage: null })],
  ['another origin', (text) => changed(text, { origin: 5 })],
  ['listings that are none', (text) => changed(text, { listings: null })],
  ['no seal, and no output', (text) => changed(text, { checksum: undefined, output: {} })],
];

const changed = (text: string, members: object): string =>
  JSON.stringify({ ...(JSON.parse(text) as object), ...members });

/** Damages the records of a build one after the other. @throws Harmed when the next build is not as the first was */
async function damageRecords({ bench }: Site): Promise<void> {
  const context = bench.files('records/context', { Dockerfile: 'FROM busybox\nCOPY f /f\nRUN cat /f >/g\n', f: 'x' });
  const before = new Set(recordsOf(bench.store.root));
  const wanted = (await bench.buildIn(context)).layer;
  const own = recordsOf(bench.store.root).filter((path) => !before.has(path));
  demand('records', own.length > 1, true);
  for (const [what, damage] of DAMAGES) {
    for (const path of own) writeFileSync(path, damage(readFileSync(path, 'utf8')));
    demand(`records: ${what}`, (await bench.buildIn(context)).layer, wanted);
    for (const path of own) if (!existsSync(path)) throw new Harmed(`${what}: it was not written anew`);
  }
  const [one = '', two = ''] = own.map((path) => readFileSync(path, 'utf8'));
  writeFileSync(own[0] ?? '', two);
  writeFileSync(own[1] ?? '', one);
  demand('records changed for each other', (await bench.buildIn(context)).layer, wanted);
}

function recordsOf(root: string): readonly string[] {
  const shards = readdirSync(join(root, 'records')).filter((name) => name.length === 2);
  return shards.flatMap((shard) =>
    readdirSync(join(root, 'records', shard))
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(root, 'records', shard, name)),
  );
}

/** What the cache takes for unchanged, and what it believes of itself. */
export const CACHE_CASES: readonly HostileCase[] = [
  ...STALE_CASES,
  ...SEEN,
  ...LOST,
  { row: 'C5', name: 'damaged records', runs: true, attempt: damageRecords },
];
