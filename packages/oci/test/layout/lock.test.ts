import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryPath } from '../../src/processes/atomic-file.ts';
import { identify, processState, thisProcess } from '../../src/processes/process-identity.ts';
import { type HeldLock, withLock } from '../../src/processes/lock.ts';
import { freshLayout, scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

let folder: string;
let path: string;
const lock = <T>(action: (held: HeldLock) => Promise<T>, timeout?: number): Promise<T> =>
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
    const start = identify(child.pid ?? 0)?.start;
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

  it('takes away the temporary files of processes that were killed, and of no other', async () => {
    const own = basename(temporaryPath(folder, 'blob'));
    const gone = own.replace(/\d+-\d+-/, '999999999-1-');
    const elsewhere = own.replace(/[0-9a-f]{8}(?=-[0-9a-f]{16}\.tmp)/, '00000000');
    for (const name of [own, gone, elsewhere]) await writeFile(join(folder, name), '');
    await lock(async () => {});
    expect((await readdir(folder)).toSorted()).toEqual([own, elsewhere].toSorted());
  });

  it('does not remove a lock that another took meanwhile', async () => {
    await lock(() => writeFile(path, claimOf({ claim: 'another' })));
    expect(await readdir(folder)).toEqual(['lock']);
  });
});

describe('a holder that was stopped inside and taken for dead', () => {
  const file = (): string => join(folder, 'guarded');
  const takeOver = async (): Promise<void> => {
    await writeFile(path, claimOf({ world: 'elsewhere', claim: 'ours' }));
    const old = new Date(Date.now() - 60_000);
    await utimes(path, old, old);
  };

  /** Adds a line to what is there, as every change of a layout does. */
  const add = (line: string, pause: (lock: HeldLock) => Promise<void> = async () => {}): Promise<void> =>
    lock(async (held) => {
      const before = await readFile(file(), 'utf8').catch(() => '');
      await pause(held);
      await held.replace(file(), `${before}${line}\n`, 0o644);
    });

  it('begins again when it goes on before it has looked', async () => {
    let stops = 1;
    await add('slow', async () => {
      if (stops-- > 0) {
        await takeOver();
        await add('quick');
      }
    });
    expect(await readFile(file(), 'utf8')).toBe('quick\nslow\n');
    expect(await readdir(folder)).toEqual(['guarded']);
  });

  it('begins again when it goes on in the middle of the rename', async () => {
    // What such a process was about to rename waits in the temporary directory; its rename is made here in its place.
    let renames = 1;
    let late: unknown;
    const stopped = lock(async (held) => {
      const before = await readFile(file(), 'utf8').catch(() => '');
      if (renames-- > 0) {
        const waiting = temporaryPath(folder, 'lock.next');
        await writeFile(waiting, `${before}slow\n`);
        held.check();
        await takeOver();
        await add('quick');
        late = await rename(waiting, file()).catch((error: unknown) => error);
        held.check();
      }
      await held.replace(file(), `${before}slow\n`, 0o644);
    });
    await stopped;
    expect(late).toMatchObject({ code: 'ENOENT' });
    expect(await readFile(file(), 'utf8')).toBe('quick\nslow\n');
  });

  it('gives up when that happens again and again', async () => {
    await expect(add('slow', takeOver)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('deletes nothing more in a collection', async () => {
    const layout = await freshLayout(scratch);
    const { digest } = await layout.blobs.put(Buffer.from('wanted soon'));
    let collections = 0;
    const collected = await layout.collect(async () => {
      if (collections++ === 0) {
        // Another process breaks the lock, uses the blob, and is done.
        await rm(join(layout.root, 'index.json.lock'));
        return [];
      }
      return [digest];
    });
    expect(collected.deleted).toEqual([]);
    expect(await layout.blobs.has(digest)).toBeDefined();
  });
});

describe('leases', () => {
  it('come back when a collection took their process for dead', async () => {
    const layout = await freshLayout(scratch);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      await using lease = await layout.lease();
      await rm(lease.path);
      await vi.advanceTimersByTimeAsync(5000);
      await vi.waitFor(async () => expect(await layout.collect([])).toMatchObject({ heldBackBy: 1 }));
    } finally {
      vi.useRealTimers();
    }
    expect(await readdir(join(layout.root, 'leases'))).toEqual([]);
  });

  it('end with their process', async () => {
    const layout = await freshLayout(scratch);
    const child = spawn('sleep', ['100']);
    const start = identify(child.pid ?? 0)?.start;
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
  expect(processState({ ...thisProcess(), boot: 'x' })).toBe('unknown');
  expect(processState({ ...thisProcess(), namespace: 'x' })).toBe('unknown');
});
