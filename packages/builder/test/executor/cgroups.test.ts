import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cgroupName, makeLeafCgroups, removeCgroup, removeStaleCgroups } from '../../src/executor/cgroups.ts';

/** The process hierarchy: of cgroup v1, or the one of v2. */
const HIERARCHY = existsSync('/sys/fs/cgroup/pids') ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup';
const JOB = `${HIERARCHY}/tsbuild-test-job-${process.pid}`;

function makesCgroups(): boolean {
  try {
    mkdirSync(JOB);
    rmdirSync(JOB);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

const canMake = makesCgroups();
const SKIP = canMake ? '' : ' (skipped: needs root and cgroups that can be written to)';

describe.skipIf(!canMake && process.env['CI'] !== 'true')(`in a cgroup that limits this process${SKIP}`, () => {
  let home: string;
  beforeEach(() => {
    const own = readFileSync('/proc/self/cgroup', 'utf8')
      .split('\n')
      .map((line) => /^\d+:(pids|):(\/.*)$/.exec(line))
      .filter((match) => match !== null)
      .toSorted((a, b) => (b[1] ?? '').length - (a[1] ?? '').length);
    home = HIERARCHY + (own[0]?.[2] ?? '/');
    mkdirSync(JOB);
    writeFileSync(`${JOB}/cgroup.procs`, String(process.pid));
  });
  afterEach(() => {
    writeFileSync(`${home}/cgroup.procs`, String(process.pid));
    rmdirSync(JOB);
  });

  it('makes the cgroup of a command below it, and leaves nothing', () => {
    const name = cgroupName('0a1b');
    const entrances = makeLeafCgroups(name);
    const [inJob] = entrances.filter((path) => path.startsWith(`${JOB}/`));
    expect(inJob?.endsWith('/cgroup.procs')).toBe(true);
    expect(entrances.every((path) => existsSync(path))).toBe(true);
    removeStaleCgroups();
    expect(existsSync(inJob ?? '')).toBe(true);
    removeCgroup(name);
    expect(entrances.map((path) => dirname(path)).filter((path) => existsSync(path))).toEqual([]);
  });

  it('removes what a dead process left there', () => {
    const [left = ''] = makeLeafCgroups('4194305-1-0a1b').filter((path) => path.startsWith(JOB));
    expect(existsSync(left)).toBe(true);
    removeStaleCgroups();
    expect(existsSync(left)).toBe(false);
  });
});
