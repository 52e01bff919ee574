import { describe, expect, it } from 'vitest';
import { parseTmpfs } from '../../src/container/tmpfs-flag.ts';

describe('parseTmpfs', () => {
  it.each([
    ['/t', { readOnly: false, noExec: true }],
    ['/t:', { readOnly: false, noExec: true }],
    ['/t:rw,noexec,nosuid,nodev,noatime', { readOnly: false, noExec: true }],
    ['/t:ro,exec', { readOnly: true, noExec: false }],
    ['/t:ro,rw', { readOnly: false, noExec: true }],
    [
      '/t:size=64m,mode=0700,uid=3,gid=4',
      { readOnly: false, noExec: true, size: 64 << 20, mode: 0o700, uid: 3, gid: 4 },
    ],
    ['/t:mode=1777,nr_inodes=10k', { readOnly: false, noExec: true, mode: 0o1777, inodes: 10_240 }],
  ])('reads %s', (text, expected) => {
    expect(parseTmpfs(text)).toEqual({ destination: '/t', ...expected });
  });

  it.each([
    't',
    '/',
    '/t:nosuch=1',
    '/t:nosuch',
    '/t:dev',
    '/t:suid',
    '/t:size=',
    '/t:size=x',
    '/t:mode=9',
    '/t:uid=-1',
    '/t:gid=4294967295',
  ])('refuses %s', (text) => {
    expect(() => parseTmpfs(text)).toThrow('invalid --tmpfs');
  });
});
