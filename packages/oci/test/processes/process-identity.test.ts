import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  decodeIdentity,
  encodeIdentity,
  identify,
  isAbandoned,
  isOfThisBoot,
  ownerState,
  ownerTag,
  processState,
  thisProcess,
} from '../../src/processes/process-identity.ts';

describe('the identity of a process', () => {
  it('ends with it', async () => {
    const child = spawn('sleep', ['100']);
    const identity = identify(child.pid ?? 0) ?? thisProcess();
    expect(identity.pid).toBe(child.pid);
    expect(processState(identity)).toBe('running');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(processState(identity)).toBe('gone');
    expect(identify(child.pid ?? 0)).toBeUndefined();
  });

  it('says nothing of another boot and another pid namespace, but that they are others', () => {
    const rebooted = { ...thisProcess(), boot: 'another' };
    expect(processState(rebooted)).toBe('unknown');
    expect(processState({ ...thisProcess(), namespace: 'pid:[1]' })).toBe('unknown');
    expect([isOfThisBoot(rebooted), isOfThisBoot(thisProcess())]).toEqual([false, true]);
  });

  it('is read as every version wrote it', () => {
    const { pid, start, boot, namespace } = thisProcess();
    for (const written of [
      encodeIdentity(thisProcess()),
      { pid, start, boot, namespace },
      { pid, start, world: `${boot} ${namespace}`, claim: 'abc' },
    ]) {
      expect(decodeIdentity(written)).toEqual(thisProcess());
    }
    for (const other of [undefined, null, 1, [], {}, { pid, start }, { pid: 1.5, start, boot, namespace }]) {
      expect(decodeIdentity(other)).toBeUndefined();
    }
  });
});

describe('the owner that the name of a file tells', () => {
  const { pid, start } = thisProcess();
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';

  it.each([
    ['today', ownerTag(), 'running'],
    ['of a process that has ended', ownerTag().replace(/^\d+-\d+/, '999999999-1'), 'gone'],
    ['of another boot or pid namespace', `${pid}-${start}-00000000`, 'unknown'],
    ['of an earlier version, with the number of the pid namespace', `${pid}-${start}-${namespace}`, 'running'],
    ['of such a process that has ended', `${pid}-1-${namespace}`, 'gone'],
    ['of another pid namespace', `${pid}-${start}-4026599999`, 'unknown'],
    ['of an earlier version, of a cgroup', `${pid}-${start}`, 'running'],
    ['of an earlier version, the pid alone', `${pid}`, 'unknown'],
    ['none', 'x', 'unknown'],
  ])('%s', (_, tag, state) => {
    expect(ownerState(tag)).toBe(state);
  });

  it('lets what cannot be seen be for a time', () => {
    const hour = 60 * 60 * 1000;
    const never = (): number => {
      throw new Error('the age was asked for');
    };
    expect(isAbandoned('gone', never)).toBe(true);
    expect(isAbandoned('running', never)).toBe(false);
    expect([hour - 1, hour + 1].map((age) => isAbandoned('unknown', () => age))).toEqual([false, true]);
    expect(isAbandoned('unknown', () => hour + 1, 24 * hour)).toBe(false);
  });
});
