import { expect, it } from 'vitest';
import { TransferLimit } from '../../src/registry/limit.ts';

it('lets in as many as it should, in order', async () => {
  const limit = new TransferLimit(2);
  const order: number[] = [];
  const leave = [await limit.enter(), await limit.enter()];
  const waiting = [3, 4].map((n) => limit.enter().then((out) => (order.push(n), out)));
  await Promise.resolve();
  expect(order).toEqual([]);
  leave[0]?.();
  leave[0]?.(); // twice is once
  await waiting[0];
  expect(order).toEqual([3]);
  leave[1]?.();
  await waiting[1];
  expect(order).toEqual([3, 4]);
});

it('lets one more in when all stand still, so that readers in step do not wait for ever', async () => {
  const limit = new TransferLimit(1);
  await limit.enter();
  const started = performance.now();
  const leave = await limit.enter();
  expect(performance.now() - started).toBeGreaterThan(900);
  leave();
});

it('leaves the queue when aborted', async () => {
  const limit = new TransferLimit(1);
  const leave = await limit.enter();
  const abort = new AbortController();
  const waiting = limit.enter(abort.signal);
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  const next = limit.enter();
  leave();
  (await next)();
});
