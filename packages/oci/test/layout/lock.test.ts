import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { processStart, processState, thisProcess } from '../../src/process-identity.ts';
import { withLock } from '../../src/layout/lock.ts';
import { freshLayout, scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

let folder: string;
let path: string;
const lock = <T>(action: () => Promise<T>, timeout?: number): Promise<T> =>
  withLock(path, { temporaryDirectory: folder, ...(timeout !== undefined && { timeout }) }, action);
beforeEach(async () => {
  folder = await mkdtemp(join(scratch, 'lock-'));
  path = join(folder, 'lock');
});

const claimOf = (more: object): string => JSON.stringify({ ...thisProcess(), ...more });

describe('withLock()', () => {
  it('lets one in at a time, and leaves nothing behind', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 10 }, () =>
        lock(async () => {
          most = Math.max(most, ++inside);
          await new Promise((done) => setTimeout(done, 2));
          inside--;
        }),
      ),
    );
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is released when the action fails', async () => {
    await expect(lock(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await lock(async () => 'yes', 100)).toBe('yes');
  });

  it('gives up after its timeout, naming who holds it', async () => {
    await lock(async () => {
      await expect(lock(async () => {}, 30)).rejects.toMatchObject({
        code: 'LOCK_TIMEOUT',
        message: expect.stringContaining(`process ${process.pid} holds ${path}`),
      });
    });
  });

  it('breaks the lock of a process that was killed', async () => {
    const child = spawn('sleep', ['100']);
    const start = processStart(child.pid ?? 0);
    await writeFile(path, claimOf({ pid: child.pid, start }));
    await expect(lock(async () => {}, 50)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const results = await Promise.all(Array.from({ length: 5 }, (_, i) => lock(async () => i)));
    expect(results).toEqual([0, 1, 2, 3, 4]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('breaks the lock of a process whose number was used again', async () => {
    await writeFile(path, claimOf({ start: '1' }));
    expect(await lock(async () => 'mine', 100)).toBe('mine');
  });

  it('breaks a lock whose breaker died, too', async () => {
    await writeFile(path, claimOf({ start: '1' }));
    const { createHash } = await import('node:crypto');
    const id = createHash('sha256')
      .update(await readFile(path, 'utf8'))
      .digest('hex')
      .slice(0, 16);
    await writeFile(`${path}.${id}`, claimOf({ start: '2' }));
    expect(await lock(async () => 'mine', 100)).toBe('mine');
    expect(await readdir(folder)).toEqual([]);
  });

  it('believes a holder in another container as long as it gives signs of life', async () => {
    for (const text of [claimOf({ world: 'elsewhere' }), 'not a claim']) {
      await writeFile(path, text);
      await expect(lock(async () => {}, 30)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
      const old = new Date(Date.now() - 60_000);
      await utimes(path, old, old);
      expect(await lock(async () => 'mine', 100)).toBe('mine');
    }
  });

  it('does not remove a lock that another took meanwhile', async () => {
    await lock(() => writeFile(path, claimOf({ claim: 'another' })));
    expect(await readdir(folder)).toEqual(['lock']);
  });
});

describe('leases', () => {
  it('end with their process', async () => {
    const layout = await freshLayout(scratch);
    const child = spawn('sleep', ['100']);
    const start = processStart(child.pid ?? 0);
    await writeFile(join(layout.root, 'leases', `${child.pid}-${start}-x`), claimOf({ pid: child.pid, start }));
    expect(await layout.collect([])).toMatchObject({ heldBackBy: 1 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await layout.collect([])).toMatchObject({ heldBackBy: 0 });
    expect(await readdir(join(layout.root, 'leases'))).toEqual([]);
  });
});

it('processState() knows this process, and processes that are not', () => {
  expect(processState(thisProcess())).toBe('running');
  expect(processState({ ...thisProcess(), pid: 999_999_999 })).toBe('gone');
  expect(processState({ ...thisProcess(), world: 'x' })).toBe('unknown');
});
