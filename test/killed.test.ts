import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { withoutRoot } from './support/lab.ts';
import { leftoversAfterDeath } from './support/leftovers.ts';
import { type TestUser, testUser } from './support/test-user.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const KILLS = 10;
// A number of seconds that no other process of this machine sleeps for.
const NAP = 700_000_000 + process.pid;
const DOCKERFILE = `FROM busybox
RUN echo started; (sleep ${NAP} & sleep ${NAP} & dd if=/dev/zero of=/big bs=64k count=400 2>/dev/null; rm -rf /bin/vi); sleep ${NAP}
`;

/** Starts a build and, `delay` milliseconds after its RUN began, sends `signal`; gives the exit code. */
async function interrupt(
  builder: Tsbuild,
  signal: NodeJS.Signals,
  delay: number,
  isolation = 'auto',
): Promise<number | null> {
  const context = await contextOf({ Dockerfile: DOCKERFILE });
  const child = builder.start(['build', '--isolation', isolation, '--progress', 'plain', context]);
  const exit = once(child, 'exit');
  if (child.stderr === null) throw new Error('no stderr');
  let said = '';
  for await (const line of createInterface(child.stderr)) {
    said += `${line}\n`;
    if (/^#\d+ [\d.]+ started/.test(line)) break;
  }
  if (!/ started\n/.test(said)) throw new Error(`RUN did not begin:\n${said}`);
  child.stderr.resume();
  await sleep(delay);
  child.kill(signal);
  const [code] = (await exit) as [number | null];
  return code;
}

/** Kills as many builds; gives what any of them left, with the moment at which it was killed. */
async function killTenTimes(builder: Tsbuild, isolation: string): Promise<string[]> {
  const left: string[] = [];
  for (let round = 0; round < KILLS; round++) {
    const delay = Math.floor(Math.random() * 300);
    await interrupt(builder, 'SIGKILL', delay, isolation);
    const found = await leftoversAfterDeath(builder.store, String(NAP));
    left.push(...found.map((one) => `after ${delay} ms: ${one}`));
  }
  return left;
}

/** What the next build in the same store says. */
const nextBuild = async (builder: Tsbuild): Promise<string> =>
  (await builder.build(await contextOf({ Dockerfile: 'FROM busybox\nRUN echo fine $(ls /bin/vi)\n' }))).stderr;

describe('a build that is ended during RUN', () => {
  it.each(['auto', 'namespaces'])(
    'kill -9, ten times at random moments, --isolation %s: no mount, no process, and the next build works',
    {
      timeout: 400_000,
    },
    async (isolation) => {
      const builder = await tsbuild();
      expect(await killTenTimes(builder, isolation)).toEqual([]);
      expect(await nextBuild(builder)).toContain('fine /bin/vi');
    },
  );

  it('Ctrl-C: exit code 130, no mount, no process', async () => {
    const builder = await tsbuild();
    expect(await interrupt(builder, 'SIGINT', 100)).toBe(130);
    expect(await leftoversAfterDeath(builder.store, String(NAP))).toEqual([]);
  });

  describe.skipIf(withoutRoot)('by an ordinary user (needs root, to become that user)', () => {
    let user: TestUser;
    beforeAll(async () => {
      user = await testUser();
    });

    it.each(['auto', 'namespaces'])(
      'kill -9, ten times at random moments, --isolation %s: no mount, no process, and the next build works',
      {
        timeout: 400_000,
      },
      async (isolation) => {
        const builder = await tsbuild({ user });
        expect(await killTenTimes(builder, isolation)).toEqual([]);
        expect(await nextBuild(builder)).toContain('fine /bin/vi');
      },
    );

    it('Ctrl-C: exit code 130, no mount, no process', async () => {
      const builder = await tsbuild({ user });
      expect(await interrupt(builder, 'SIGINT', 100)).toBe(130);
      expect(await leftoversAfterDeath(builder.store, String(NAP))).toEqual([]);
    });
  });
});
