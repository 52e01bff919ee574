import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunFlags, runOptions } from '../../src/container/run-options.ts';
import type { Host } from '../../src/host/host.ts';

const NONE: RunFlags = {
  'no-cache-filter': [],
  secret: [],
  ssh: [],
  'add-host': [],
  'shm-size': undefined,
  ulimit: [],
  allow: [],
};

describe('what RUN finds', () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'tsbuild-cli-test-'));
    await writeFile(join(cwd, 'token'), 'x');
    const server = createServer().listen(join(cwd, 'agent'));
    await new Promise((done) => server.once('listening', done));
    server.unref();
  });
  afterAll(() => rm(cwd, { recursive: true, force: true }));
  const options = (flags: Partial<RunFlags>, env: Host['env'] = {}) =>
    runOptions({ ...NONE, ...flags }, { cwd, env } as Host);

  it.each<[string, object]>([
    ['id=a,src=token', { kind: 'file', path: 'token' }],
    ['id=a,source=token,type=file', { kind: 'file', path: 'token' }],
    ['id=a,env=TOKEN', { kind: 'env', name: 'TOKEN' }],
    ['type=env,id=a', { kind: 'env', name: 'a' }],
    ['type=env,id=a,src=TOKEN', { kind: 'env', name: 'TOKEN' }],
    ['id=SET', { kind: 'env', name: 'SET' }],
    ['id=token', { kind: 'file', path: 'token' }],
  ])('--secret %s', (text, expected) => {
    const [source] = [...options({ secret: [text] }, { SET: '1' }).secrets.values()];
    expect(source?.kind === 'file' ? { ...source, path: source.path.slice(cwd.length + 1) } : source).toEqual(expected);
  });

  it.each([
    ['id=a,src=nope', /no such file: nope/],
    ['id=a,src=.', /is a directory/],
    ['src=token', /id= is missing/],
    ['a', /must be a key=value pair/],
    ['id=a,sorce=x', /unexpected key "sorce"/],
    ['id=a,type=vault', /type must be file or env/],
  ])('refuses --secret %s', (text, message) => {
    expect(() => options({ secret: [text] })).toThrow(message);
  });

  it('knows agents', () => {
    const socket = join(cwd, 'agent');
    expect(options({ ssh: ['default', 'x=agent'] }, { SSH_AUTH_SOCK: socket }).agents).toEqual(
      new Map([
        ['default', socket],
        ['x', socket],
      ]),
    );
    expect(() => options({ ssh: ['default'] })).toThrow(/no SSH agent is running/);
    expect(() => options({ ssh: ['x=token'] })).toThrow(/not supported yet: --ssh with key files/);
    expect(() => options({ ssh: ['x=nope'] })).toThrow(/no such socket: nope/);
    expect(() => options({ ssh: ['x=.'] })).toThrow(/is not a socket/);
  });

  it('knows hosts, limits, sizes and names', () => {
    expect(
      options({
        'add-host': ['db:10.0.0.7', 'v6=[::1]', 'me:host-gateway'],
        ulimit: ['nofile=10:20', 'core=0', 'nproc=-1'],
        'shm-size': '2m',
        'no-cache-filter': ['a,b', 'c'],
        allow: ['security.insecure'],
      }),
    ).toMatchObject({
      hosts: [
        { name: 'db', address: '10.0.0.7' },
        { name: 'v6', address: '::1' },
        { name: 'me', address: '127.0.0.1' },
      ],
      limits: [
        { name: 'nofile', soft: 10, hard: 20 },
        { name: 'core', soft: 0, hard: 0 },
        { name: 'nproc', soft: -1, hard: -1 },
      ],
      shmSize: 2 << 20,
      noCacheFilter: ['a', 'b', 'c'],
      allow: ['security.insecure'],
    });
  });

  it.each<[Partial<RunFlags>, RegExp]>([
    [{ 'add-host': ['db'] }, /expected HOST:IP/],
    [{ 'add-host': ['db:ten'] }, /expected HOST:IP/],
    [{ ulimit: ['nofile'] }, /expected NAME=SOFT/],
    [{ ulimit: ['files=1'] }, /invalid --ulimit type: files/],
    [{ ulimit: ['nofile=2:1'] }, /2 > 1/],
    [{ 'shm-size': 'big' }, /invalid --shm-size "big"/],
    [{ allow: ['everything'] }, /invalid --allow "everything"/],
  ])('refuses %j', (flags, message) => {
    expect(() => options(flags)).toThrow(message);
  });
});
