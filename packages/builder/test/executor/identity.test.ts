import { describe, expect, it } from 'vitest';
import { lookupUser } from '../../src/executor/identity.ts';

const PASSWD = Buffer.from(
  '# comment\nroot:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nbroken\n:x:5:5::/:\nbad:x:-1:0::/:\n2000:x:3000:3000::/odd:\nnohome:x:7:7:::\n4294967296:x:0:0::/:\n',
);
const GROUP = Buffer.from('root:x:0:\napp:x:1001:\ndocker:x:999:other,app\nstaff:x:50:app\nbroken\n88:x:0:\n-1:x:0:\n');
const lookup = (user: string) => lookupUser(user, PASSWD, GROUP);

describe('lookupUser', () => {
  it.each([
    ['', { uid: 0, gid: 0, groups: [0], home: '/root' }],
    ['root', { uid: 0, gid: 0, groups: [0], home: '/root' }],
    ['app', { uid: 1000, gid: 1001, groups: [1001, 999, 50], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 1001, groups: [1001, 999, 50], home: '/home/app' }],
    ['app:staff', { uid: 1000, gid: 50, groups: [50], home: '/home/app' }],
    ['app:77', { uid: 1000, gid: 77, groups: [77], home: '/home/app' }],
    ['1234', { uid: 1234, gid: 0, groups: [0], home: '/' }],
    ['1234:5678', { uid: 1234, gid: 5678, groups: [5678], home: '/' }],
    [':staff', { uid: 0, gid: 50, groups: [50], home: '/root' }],
    ['app:', { uid: 1000, gid: 1001, groups: [1001, 999, 50], home: '/home/app' }],
    // A number is an id, also where an account or a group has that name (CVE-2016-3697).
    ['2000', { uid: 2000, gid: 0, groups: [0], home: '/' }],
    ['3000', { uid: 3000, gid: 3000, groups: [3000], home: '/odd' }],
    ['app:88', { uid: 1000, gid: 88, groups: [88], home: '/home/app' }],
    ['nohome', { uid: 7, gid: 7, groups: [7], home: '/' }],
  ])('finds %j', (user, identity) => {
    expect(lookup(user)).toEqual(identity);
  });

  it.each([
    ['foo', 'unable to find user foo: no matching entries in passwd file'],
    ['bad', 'unable to find user bad: no matching entries in passwd file'],
    ['root:foo', 'unable to find group foo: no matching entries in group file'],
    ['-1', 'user -1 is out of range'],
    ['4294967295', 'user 4294967295 is out of range'],
    ['4294967296', 'user 4294967296 is out of range'],
    ['0:-1', 'group -1 is out of range'],
    ['0:4294967295', 'group 4294967295 is out of range'],
  ])('refuses %j', (user, message) => {
    expect(() => lookup(user)).toThrow(message);
  });

  it('needs no files for numbers', () => {
    expect(lookupUser('5:6', undefined, undefined)).toEqual({ uid: 5, gid: 6, groups: [6], home: '/' });
    expect(lookupUser('', undefined, undefined)).toEqual({ uid: 0, gid: 0, groups: [0], home: '/' });
    expect(() => lookupUser('app', undefined, undefined)).toThrow('unable to find user app');
  });

  it('does not read files that no image has (CVE-2024-9676)', () => {
    expect(() => lookupUser('root', Buffer.alloc(1024 * 1024 + 1, '\n'), undefined)).toThrow(
      '/etc/passwd of the image has 1048577 bytes',
    );
  });
});
