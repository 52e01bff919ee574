import { beforeAll, describe, expect, it } from 'vitest';
import { withoutRoot } from './support/lab.ts';
import { output } from './support/process.ts';
import { CHANGES_CONTEXT } from './support/scenario.ts';
import { type TestUser, testUser } from './support/test-user.ts';
import { contextOf, nodeApp, tsbuild } from './support/tsbuild.ts';

const EPOCH = { env: { SOURCE_DATE_EPOCH: '1700000000' } };

// The project itself may lie where only root can read it, so the user builds copies.
describe.skipIf(withoutRoot)('an ordinary user with subordinate ids (needs root, to become that user)', () => {
  let user: TestUser;
  beforeAll(async () => {
    user = await testUser();
  });

  it('gets the image ID that root gets, with SOURCE_DATE_EPOCH', async () => {
    const context = await contextOf(CHANGES_CONTEXT);
    const [root, ordinary] = [await tsbuild(), await tsbuild({ user })];
    await root.build(context, ['-t', 'same'], EPOCH);
    await ordinary.build(context, ['-t', 'same'], EPOCH);
    expect(await ordinary.id('same')).toBe(await root.id('same'));
  });

  it('gets the same image ID in another store, another folder and at another time', async () => {
    const ids: string[] = [];
    for (const _ of [1, 2]) {
      const builder = await tsbuild({ user });
      await builder.build(await contextOf(CHANGES_CONTEXT), ['-t', 'same'], EPOCH);
      ids.push(await builder.id('same'));
    }
    expect(ids[0]).toBe(ids[1]);
  });

  it('builds the application of the README, and has it cached then', async () => {
    const builder = await tsbuild({ user, bases: 'all' });
    expect((await builder.build(await nodeApp(), ['-t', 'my-app'])).steps.get('RUN npm install')).toBe('DONE');
    expect((await builder.build(await nodeApp(), ['-t', 'my-app'])).steps.get('RUN npm install')).toBe('CACHED');
  });

  it('is root inside, with users of its own', async () => {
    const Dockerfile =
      'FROM busybox\nRUN id -u && touch /x && chown 33:33 /x && stat -c owner=%u:%g /x\nUSER www-data\nRUN echo user=$(id -u)\n';
    const { stderr } = await (await tsbuild({ user })).build(await contextOf({ Dockerfile }));
    expect(stderr).toContain('owner=33:33');
    expect(stderr).toContain('user=33');
  });

  it('owns every file of its store, but for the unpacked trees of images', async () => {
    const builder = await tsbuild({ user });
    await builder.build(await contextOf(CHANGES_CONTEXT), ['-t', 'mine']);
    expect((await builder.run(['rmi', 'mine'])).exitCode).toBe(0);
    expect(await foreignFiles(builder.store, user)).toEqual([]);
  });
});

async function foreignFiles(store: string, user: TestUser): Promise<string[]> {
  // Owners inside of a tree are what the image says, in the user's subordinate ids.
  const trees = ['-path', `${store}/snapshots/*/*`, '-prune', '-o'];
  const found = await output('find', [store, ...trees, '!', '-uid', String(user.uid), '-print']);
  return found.split('\n').filter((line) => line !== '');
}
