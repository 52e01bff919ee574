import { describe, expect, it } from 'vitest';
import { OciError } from '../../src/spec/oci-error.ts';
import { isTransient, parseRetryAfter, retryDelay, retrying } from '../../src/registry/retry.ts';
import { TestClock } from './content.ts';

const policy = { attempts: 4, baseMilliseconds: 500, maxMilliseconds: 60_000 };
const status = (code: number, extra: Record<string, number> = {}): OciError =>
  new OciError('REGISTRY_ERROR', `status ${code}`, { fields: { status: code, ...extra } });

describe('retrying()', () => {
  it('doubles the wait and gives up after the last attempt', async () => {
    const clock = new TestClock();
    let tries = 0;
    const work = retrying({ retry: policy, clock }, async () => {
      tries++;
      throw status(503);
    });
    await expect(work).rejects.toThrow('status 503');
    expect(tries).toBe(4);
    expect(clock.slept).toEqual([500, 1000, 2000]);
  });

  it('waits as long as Retry-After asks, but not for ever', async () => {
    const clock = new TestClock();
    const failures = [
      status(429, { retryAfterMilliseconds: 1000 }),
      status(429, { retryAfterMilliseconds: 86_400_000 }),
    ];
    const result = await retrying({ retry: policy, clock }, async () => {
      const next = failures.shift();
      if (next !== undefined) throw next;
      return 'done';
    });
    expect(result).toBe('done');
    expect(clock.slept).toEqual([1000, 60_000]);
  });

  it('does not repeat what cannot get better, nor after an abort', async () => {
    const clock = new TestClock();
    await expect(retrying({ retry: policy, clock }, () => Promise.reject(status(404)))).rejects.toThrow('404');
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(retrying({ retry: policy, clock, signal }, () => Promise.reject(status(503)))).rejects.toThrow('503');
    expect(clock.slept).toEqual([]);
  });
});

it.each([408, 429, 500, 502, 503, 504])('status %i may pass', (code) => {
  expect(isTransient(status(code))).toBe(true);
});

it.each([400, 401, 403, 404, 405, 413, 416, 501])('status %i does not pass', (code) => {
  expect(isTransient(status(code))).toBe(false);
});

it('chance takes at most half of a wait away', () => {
  const clock = { ...new TestClock(), random: () => 0, now: () => 0, sleep: async () => {} };
  expect(retryDelay(status(500), 3, policy, clock)).toBe(1000);
  expect(retryDelay(status(500), 30, policy, clock)).toBe(30_000);
});

describe('parseRetryAfter()', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['7', 7000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
    ['Thu, 01 Jan 2025 00:00:10 GMT', 0],
    ['-1', undefined],
    ['1e9', undefined],
    ['99999999999999999999', undefined],
    ['tomorrow', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %j', (text, expected) => {
    expect(parseRetryAfter(text, now)).toBe(expected);
  });
});
