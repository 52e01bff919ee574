import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildBench } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';

interface Interval {
  readonly id: string;
  readonly start: number;
  end: number;
}

/** When each RUN was at work, as the events say it. */
function intervals(events: string): Interval[] {
  const found = new Map<string, Interval>();
  for (const line of events.split('\n')) {
    const event = JSON.parse(line) as { type: string; id: string; time: number };
    if (event.type === 'step-started') found.set(event.id, { id: event.id, start: event.time, end: Number.NaN });
    const interval = found.get(event.id);
    if (interval !== undefined && /^step-(?:finished|failed)$/.test(event.type)) interval.end = event.time;
  }
  return [...found.values()].filter(({ id }) => /^s\d\//.test(id));
}

/** The most that were at work at one moment. */
function mostAtOnce(all: readonly Interval[]): number {
  return Math.max(...all.map(({ start }) => all.filter((other) => other.start <= start && start < other.end).length));
}

/** Four stages that know nothing of each other, and one that needs all. */
const stages = (command: string): string =>
  `${[0, 1, 2, 3].map((n) => `FROM busybox AS s${n}\nRUN ${command}; echo ${n} >/out${n}\n`).join('')}FROM scratch\n${[
    0, 1, 2, 3,
  ]
    .map((n) => `COPY --from=s${n} /out${n} /\n`)
    .join('')}`;

/** Words of a process; none when it has ended meanwhile. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

describe.skipIf(NO_SANDBOX !== '')(`stages${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  it('that do not need each other are built side by side', async () => {
    const { events } = await bench.build(stages('sleep 2'), { jobs: 4 });
    const found = intervals(events);
    expect(found.map(({ id }) => id).toSorted()).toEqual(['s0/1', 's1/1', 's2/1', 's3/1']);
    expect(mostAtOnce(found)).toBe(4);
  });

  it('are so many at once as --jobs says', async () => {
    const one = intervals((await bench.build(stages('sleep 0.2; : one'), { jobs: 1 })).events);
    expect([one.length, mostAtOnce(one)]).toEqual([4, 1]);
    const two = intervals((await bench.build(stages('sleep 0.5; : two'), { jobs: 2 })).events);
    expect([two.length, mostAtOnce(two)]).toEqual([4, 2]);
  });

  it('stop when one of them fails: what runs is killed', async () => {
    const text =
      'FROM busybox AS long\nRUN sleep 312345\n' +
      'FROM busybox AS bad\nRUN sleep 1; exit 3\n' +
      'FROM busybox AS after\nCOPY --from=long /bin/busybox /x\nRUN echo never\n' +
      'FROM scratch\nCOPY --from=bad /bin/busybox /a\nCOPY --from=after /x /b\n';
    await expect(bench.build(text, { jobs: 4 })).rejects.toMatchObject({ code: 'RUN_FAILED', exitCode: 3 });
    const commands = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => commandLine(pid));
    expect(commands.filter((line) => line.includes('312345'))).toEqual([]);
  });

  it('that the target does not need are not built, nor even looked at', async () => {
    const text = `FROM none-such AS unused\nRUN false\n${stages('true')}FROM busybox AS other\nCOPY --from=s1 /out1 /x\n`;
    const { events, steps } = await bench.build(text, { target: 'other' });
    expect(intervals(events).map(({ id }) => id)).toEqual(['s1/1']);
    expect(steps.total).toBe(2);
  });
});
