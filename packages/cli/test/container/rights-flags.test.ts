import { describe, expect, it } from 'vitest';
import { rightsOf } from '../../src/container/rights-flags.ts';

const NONE = { 'cap-add': [], 'cap-drop': [], 'security-opt': [], ulimit: [] };

describe('rightsOf', () => {
  it('says nothing when nothing is asked for', () => {
    expect(rightsOf(NONE)).toEqual({});
    expect(rightsOf({ ...NONE, 'security-opt': ['apparmor=unconfined', 'label:disable'] })).toEqual({});
  });

  it('reads capabilities, limits and no-new-privileges', () => {
    const flags = {
      'cap-add': ['NET_RAW'],
      'cap-drop': ['ALL'],
      'security-opt': ['no-new-privileges'],
      ulimit: ['nofile=5:9'],
    };
    expect(rightsOf(flags)).toEqual({
      capAdd: ['net_raw'],
      capDrop: ['all'],
      noNewPrivileges: true,
      limits: [{ name: 'nofile', soft: 5, hard: 9 }],
    });
  });

  it.each([
    [['no-new-privileges:true'], true],
    [['no-new-privileges=false'], undefined],
    [['no-new-privileges', 'no-new-privileges:false'], undefined],
  ])('of %j the last counts', (options, expected) => {
    expect(rightsOf({ ...NONE, 'security-opt': options }).noNewPrivileges).toBe(expected);
  });

  it.each([
    'seccomp=unconfined',
    'seccomp=/profile.json',
    'apparmor=mine',
    'systempaths=unconfined',
    'no-new-privileges=x',
    '',
  ])('refuses --security-opt %s', (text) => {
    expect(() => rightsOf({ ...NONE, 'security-opt': [text] })).toThrow('is not supported');
  });

  it('names run where a limit is wrong', () => {
    expect(() => rightsOf({ ...NONE, ulimit: ['nope=1'] })).toThrow('invalid --ulimit type: nope');
  });
});
