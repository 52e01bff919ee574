import { describe, expect, it } from 'vitest';
import { ChangedPaths } from '../../src/watch/changes.ts';

const never = new AbortController().signal;
const all = (): boolean => true;

describe('changes', () => {
  it('come together, each path once, with the time of the first one that matters', async () => {
    const changes = new ChangedPaths(100);
    changes.add('/noise');
    const batch = changes.next((path) => path !== '/noise', never);
    setTimeout(() => {
      changes.add('/a');
      changes.add('/b');
      changes.add('/a');
    }, 5);
    const started = performance.now();
    const { paths, since, flooded } = await batch;
    expect(paths).toEqual(['/a', '/b']);
    expect(flooded).toBe(false);
    expect(since).toBeGreaterThanOrEqual(started);
  });

  it('that do not matter wake nobody, and are forgotten', async () => {
    const changes = new ChangedPaths(100);
    let woken = false;
    const next = changes
      .next((path) => path === '/wanted', never)
      .then((batch) => {
        woken = true;
        return batch;
      });
    changes.add('/other');
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(woken).toBe(false);
    changes.add('/wanted');
    expect((await next).paths).toEqual(['/wanted']);
  });

  it('are looked at after a while even when they never end', async () => {
    const changes = new ChangedPaths(1e6);
    const timer = setInterval(() => changes.add('/log'), 5);
    try {
      expect((await changes.next(all, never)).paths).toEqual(['/log']);
    } finally {
      clearInterval(timer);
    }
  });

  it('of which some may be lost count as a change, whatever they are', async () => {
    const changes = new ChangedPaths(3);
    for (const path of ['/x', '/y', '/z']) changes.add(path);
    expect(await changes.next(() => false, never)).toMatchObject({ paths: [], flooded: true });
  });

  it('are waited for until the signal', async () => {
    const control = new AbortController();
    const waiting = new ChangedPaths(9).next(all, control.signal);
    control.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const changes = new ChangedPaths(9);
    changes.add('/a');
    const quiet = changes.next(all, control.signal);
    await expect(quiet).rejects.toThrow('enough');
  });
});
