import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newClaimText } from '../../src/processes/claim.ts';
import { countLeases } from '../../src/processes/lease.ts';
import { claimStep } from '../../src/processes/step-claim.ts';

const never = new AbortController().signal;

async function layout(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tsbuild-claims-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'tmp'));
  await mkdir(join(root, 'leases'));
  return root;
}

const claim = (root: string, waits: (number | undefined)[] = [], signal = never) =>
  claimStep({ leases: join(root, 'leases'), temporary: join(root, 'tmp') }, 'abc', {
    signal,
    onWait: (pid) => waits.push(pid),
  });

describe('the claim of a step', () => {
  it('is one at a time: who comes later is told, and waits', async () => {
    const root = await layout();
    const order: string[] = [];
    const waits: (number | undefined)[] = [];
    const first = await claim(root);
    const second = claim(root, waits).then((held) => {
      order.push('second');
      return held;
    });
    await delay(200);
    order.push('first ends');
    await first[Symbol.asyncDispose]();
    await (await second)[Symbol.asyncDispose]();
    expect(order).toEqual(['first ends', 'second']);
    expect(waits).toEqual([process.pid]);
    expect(await readdir(join(root, 'leases'))).toEqual([]);
    expect(await readdir(join(root, 'tmp'))).toEqual([]);
  });

  it('waits for nobody who has ended', async () => {
    const root = await layout();
    const dead = JSON.stringify({ ...JSON.parse(newClaimText()), pid: 2 ** 22 + 1 });
    await writeFile(join(root, 'leases/step-abc'), `${dead}\n`);
    const waits: (number | undefined)[] = [];
    await using _ = await claim(root, waits);
    expect(waits).toEqual([]);
    expect(await readFile(join(root, 'leases/step-abc'), 'utf8')).toContain(`"pid":${process.pid},`);
  });

  it('does not wait for ever for somebody who is stopped, and leaves the claim to him', async () => {
    const root = await layout();
    const path = join(root, 'leases/step-abc');
    const text = newClaimText();
    await writeFile(path, text);
    const old = new Date(Date.now() - 60_000);
    await utimes(path, old, old);
    await (await claim(root))[Symbol.asyncDispose]();
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('is given up with the signal', async () => {
    const root = await layout();
    await using _first = await claim(root);
    const control = new AbortController();
    const waiting = claim(root, [], control.signal);
    control.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('is nothing that work fails without', async () => {
    const root = await layout();
    await rm(join(root, 'tmp'), { recursive: true });
    for (const at of [root, join(root, 'nowhere')]) {
      const held = await claim(at);
      await expect(held[Symbol.asyncDispose]()).resolves.toBeUndefined();
    }
  });

  it('keeps no collection waiting, and goes with one when its process has ended', async () => {
    const root = await layout();
    await using _ = await claim(root);
    await writeFile(
      join(root, 'leases/step-dead'),
      `${JSON.stringify({ ...JSON.parse(newClaimText()), pid: 2 ** 22 + 1 })}\n`,
    );
    expect(await countLeases(join(root, 'leases'), Date.now())).toBe(0);
    expect(await readdir(join(root, 'leases'))).toEqual(['step-abc']);
  });
});
