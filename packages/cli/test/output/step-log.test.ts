import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KeptLogs } from '../../src/output/kept-logs.ts';
import { StepLog } from '../../src/output/step-log.ts';
import { at, begin, bytes, output } from './events.ts';

/** What this process has open. */
function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [readlinkSync(`/proc/self/fd/${name}`)];
    } catch {
      return [];
    }
  });
}

describe('the log of a step', () => {
  it('is whole, however long, and leaves no file', () => {
    using log = new StepLog();
    const count = 60_000;
    const chunk = Buffer.alloc(1000);
    // Lines across chunks, in a buffer that is used again.
    const text = Array.from({ length: count }, (_, i) => `line ${i} ${'·'.repeat(i % 50)}\n`).join('');
    const whole = Buffer.from(text);
    for (let offset = 0; offset < whole.length; offset += chunk.length) {
      const length = whole.copy(chunk, 0, offset, offset + chunk.length);
      log.push(chunk.subarray(0, length));
    }
    expect(whole.length).toBeGreaterThan(3 * 1024 * 1024);
    expect([...log.lines()]).toEqual(text.trimEnd().split('\n'));
    const files = openFiles().filter((path) => path.includes('/tsbuild-log-'));
    expect(files).toHaveLength(1);
    expect(files[0]).toMatch(/ \(deleted\)$/);
  });

  it('is harmless, and knows an end without a line end', () => {
    using log = new StepLog();
    expect(log.isEmpty).toBe(true);
    log.push(bytes('\x1b[31mred\x1b[0m\n10%\r90%\nno end'));
    expect([...log.lines()]).toEqual(['red', '90%', 'no end']);
  });
});

describe('logs that are kept', () => {
  const kept = (): KeptLogs => {
    const logs = new KeptLogs({ report: () => {} });
    for (const event of begin) logs.report(event);
    return logs;
  };
  const failed = (id: string, canceled = false) =>
    ({ type: 'step-failed', id, time: at(9), message: 'no', ...(canceled ? { canceled } : {}) }) as const;

  it('are those of the step that failed, not of one that ended for its sake', () => {
    const logs = kept();
    logs.report(output('b', 'one\n'));
    logs.report(output('c', 'other\n'));
    logs.report(output('b', 'two\n', 'stderr'));
    logs.report(failed('b'));
    logs.report(failed('c', true));
    expect(logs.failed?.title).toBe('[stage-0 2/3] RUN npm install');
    expect([...(logs.failed?.lines ?? [])]).toEqual(['one', 'two']);
    logs[Symbol.dispose]();
    expect(logs.failed).toBeUndefined();
  });

  it('are none where nothing was written, or nothing failed', () => {
    const logs = kept();
    logs.report(failed('b'));
    expect(logs.failed).toBeUndefined();
    logs.report(output('c', 'x'));
    logs.report(failed('c', true));
    expect(logs.failed).toBeUndefined();
  });
});
