import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dockerConfigPath, dockerCredentials } from '../../src/registry/docker-config.ts';
import { removeCredential, saveCredential } from '../../src/registry/save-credential.ts';
import { failure } from './content.ts';

let folder: string;
let path: string;
const encode = (text: string): string => Buffer.from(text).toString('base64');
const alice = { username: 'alice', password: 'a:secret' };
const bob = { username: 'bob', password: 'b' };
const auth = ({ username, password }: typeof alice): object => ({ auth: encode(`${username}:${password}`) });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'docker-config-'));
  path = join(folder, 'config.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (config: unknown): void =>
  writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config));
const saved = (): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
const environment = (): Record<string, string> => ({ PATH: `${folder}:${process.env.PATH}`, DOCKER_CONFIG: folder });
const find = (registry: string, repository?: string): Promise<unknown> =>
  dockerCredentials({ environment: environment() })(registry, repository);

/** A credential helper that is a shell script. */
function helper(name: string, script: string): void {
  writeFileSync(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, `docker-credential-${name}`), 0o755);
}

describe('dockerCredentials()', () => {
  it('looks where docker looks', () => {
    expect(dockerConfigPath({ DOCKER_CONFIG: '/etc/d', HOME: '/home/a' })).toBe('/etc/d/config.json');
    expect(dockerConfigPath({ HOME: '/home/a' })).toBe('/home/a/.docker/config.json');
  });

  it('reads a document in DOCKER_AUTH_CONFIG before the file, and after it in a job of GitLab', async () => {
    const both = { ...environment(), DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'example.com': auth(bob) } }) };
    const ask = (variables: Record<string, string>, registry = 'example.com'): Promise<unknown> =>
      dockerCredentials({ environment: variables })(registry, 'app');
    expect(await ask(both)).toEqual(bob);
    write({ auths: { 'example.com': auth(alice), 'other.example': auth(alice) } });
    expect(await ask(both)).toEqual(bob);
    expect(await ask(both, 'other.example')).toEqual(alice);
    expect(await ask({ ...both, GITLAB_CI: 'true' })).toEqual(alice);
    rmSync(path);
    expect(await ask({ ...both, GITLAB_CI: 'true' })).toEqual(bob);
    expect(await ask({ ...both, DOCKER_AUTH_CONFIG: ' ' })).toBeUndefined();
  });

  it('does not repeat what is wrong in DOCKER_AUTH_CONFIG', async () => {
    const broken = { ...environment(), DOCKER_AUTH_CONFIG: '{"auths": "s3cret' };
    const error = await failure(dockerCredentials({ environment: broken })('example.com', 'app'));
    expect(error).toMatchObject({ code: 'REGISTRY_CREDENTIALS' });
    expect(error.message).toContain('DOCKER_AUTH_CONFIG is not a JSON document');
    expect(error.message).not.toContain('s3cret');
  });

  it('knows nothing without a file, or from an empty one', async () => {
    expect(await find('example.com')).toBeUndefined();
    write('');
    expect(await find('example.com')).toBeUndefined();
    write({});
    expect(await find('example.com')).toBeUndefined();
  });

  it.each([
    ['https://index.docker.io/v1/', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['https://docker.io', 'docker.io'],
    ['example.com', 'example.com'],
    ['https://example.com', 'example.com'],
    ['http://example.com/v2/', 'example.com'],
    ['https://example.com/v1/', 'example.com'],
    ['example.com/v1/', 'example.com'],
    ['Example.COM', 'example.com'],
    ['localhost:5000', 'localhost:5000'],
    ['https://localhost:5000/v1/', 'localhost:5000'],
  ])('the key %s is for %s', async (key, registry) => {
    write({ auths: { [key]: auth(alice) } });
    expect(await find(registry, 'x/y')).toEqual(alice);
    expect(await find('other.example')).toBeUndefined();
  });

  it('gives no credential to another port, subdomain or name that begins alike', async () => {
    write({ auths: { 'example.com': auth(alice), 'localhost:5000': auth(bob) } });
    for (const other of [
      'example.com:5000',
      'sub.example.com',
      'example.com.evil',
      'xexample.com',
      'localhost',
      'localhost:500',
    ]) {
      expect(await find(other)).toBeUndefined();
    }
  });

  it('takes the entry with the longest path that the repository is in', async () => {
    write({
      auths: {
        'quay.io': auth(alice),
        'quay.io/team': auth(bob),
        'quay.io/team/app': auth({ username: 'c', password: 'c' }),
      },
    });
    expect(await find('quay.io', 'team/app')).toEqual({ username: 'c', password: 'c' });
    expect(await find('quay.io', 'team/app/sub')).toEqual({ username: 'c', password: 'c' });
    expect(await find('quay.io', 'team/application')).toEqual(bob);
    expect(await find('quay.io', 'teams')).toEqual(alice);
    expect(await find('quay.io')).toEqual(alice);
  });

  it('reads every way of writing a credential', async () => {
    write({
      auths: {
        'a.example': { username: 'alice', password: 'a:secret' },
        'b.example': { auth: encode('bob:b\0\0') },
        'c.example': { identitytoken: 'token' },
        'd.example': { auth: encode('dora:'), identitytoken: 'token' },
        'e.example': {},
        'f.example': { auth: '', username: '', password: '' },
      },
    });
    expect(await find('a.example')).toEqual(alice);
    expect(await find('b.example')).toEqual(bob);
    expect(await find('c.example')).toEqual({ identityToken: 'token' });
    expect(await find('d.example')).toEqual({ username: 'dora', identityToken: 'token' });
    expect(await find('e.example')).toBeUndefined();
    expect(await find('f.example')).toBeUndefined();
  });

  it('says what is wrong with a file without repeating what is in it', async () => {
    write('{"auths": {"example.com": {"auth": "hunter2"');
    const broken = await failure(find('example.com'));
    expect(broken).toMatchObject({ code: 'REGISTRY_CREDENTIALS' });
    expect(broken.message).toContain(path);
    expect(String(broken)).not.toContain('hunter2');
    write({ auths: { 'example.com': { auth: encode('no colon') } } });
    expect((await failure(find('example.com'))).message).toMatch(/auths\["example.com"\].auth is not the base64 form/);
    write({ auths: [] });
    expect(await failure(find('example.com'))).toMatchObject({ code: 'REGISTRY_CREDENTIALS' });
  });
});

describe('credential helpers', () => {
  it('are asked for the registry, and found by host before the general one', async () => {
    helper('one', `read url; echo "{\\"Username\\":\\"$1 $url\\",\\"Secret\\":\\"s\\"}"`);
    helper('all', `read url; echo "{\\"Username\\":\\"all $url\\",\\"Secret\\":\\"s\\"}"`);
    write({ credsStore: 'all', credHelpers: { 'https://example.com': 'one' } });
    expect(await find('example.com')).toEqual({ username: 'get example.com', password: 's' });
    expect(await find('docker.io')).toEqual({ username: 'all https://index.docker.io/v1/', password: 's' });
  });

  it('give identity tokens', async () => {
    helper('t', `echo '{"ServerURL":"x","Username":"<token>","Secret":"refresh"}'`);
    write({ credsStore: 't' });
    expect(await find('example.com')).toEqual({ identityToken: 'refresh' });
  });

  it('that have nothing leave it to the file', async () => {
    helper('empty', 'echo "credentials not found in native keychain"; exit 1');
    write({ credsStore: 'empty', auths: { 'example.com': auth(alice), 'other.example': {} } });
    expect(await find('example.com')).toEqual(alice);
    expect(await find('other.example')).toBeUndefined();
  });

  it.each([
    ['fail', 'echo "the keychain is locked"; exit 1', /docker-credential-fail failed: the keychain is locked/],
    ['odd', 'echo "secret-text"', /did not answer with a JSON object/],
    ['endless', 'yes', /sends an endless answer/],
  ])('that %s are named', async (name, script, message) => {
    helper(name, script);
    write({ credsStore: name });
    const error = await failure(find('example.com'));
    expect(error).toMatchObject({ code: 'REGISTRY_CREDENTIALS' });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('secret-text');
  });

  it('that are missing are named, with what to do', async () => {
    write({ credsStore: 'nowhere' });
    expect((await failure(find('example.com'))).message).toMatch(
      /docker-credential-nowhere is not installed.*credsStore/,
    );
  });

  it('have a name, not a path', async () => {
    write({ credsStore: '../../bin/evil' });
    expect((await failure(find('example.com'))).message).toMatch(/has an invalid name/);
  });

  it('end with the caller', async () => {
    helper('slow', 'sleep 600');
    write({ credsStore: 'slow' });
    const work = dockerCredentials({ environment: environment() })('example.com', undefined, AbortSignal.timeout(100));
    await expect(work).rejects.toThrow(/timeout/i);
  });
});

describe('saveCredential() and removeCredential()', () => {
  it('keep a password where docker finds it, for the owner only', async () => {
    await saveCredential('example.com:5000', alice, path);
    expect(saved()).toEqual({ auths: { 'example.com:5000': auth(alice) } });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await find('example.com:5000')).toEqual(alice);
    await saveCredential('docker.io', { identityToken: 'token' }, path);
    expect(saved().auths).toHaveProperty(['https://index.docker.io/v1/'], { identitytoken: 'token' });
    expect(await find('docker.io')).toEqual({ identityToken: 'token' });
    expect(readdirSync(folder)).toEqual(['config.json']);
  });

  it('leave everything else in the file as it is', async () => {
    const other = {
      psFormat: 'table',
      auths: { 'a.example': { auth: 'eDp5', extra: [1, { b: null }] } },
      HttpHeaders: { X: 'y' },
    };
    write(other);
    chmodSync(path, 0o644);
    await saveCredential('b.example', bob, path);
    expect(saved()).toEqual({ ...other, auths: { ...other.auths, 'b.example': auth(bob) } });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await removeCredential('b.example', path)).toBe(true);
    expect(saved()).toEqual(other);
    expect(await removeCredential('b.example', path)).toBe(false);
  });

  it('replace every old form of the same key, and no namespace', async () => {
    write({ auths: { 'https://example.com/v1/': auth(bob), 'example.com': auth(bob), 'example.com/team': auth(bob) } });
    await saveCredential('example.com', alice, path);
    expect(saved().auths).toEqual({ 'example.com/team': auth(bob), 'example.com': auth(alice) });
    expect(await removeCredential('example.com', path)).toBe(true);
    expect(saved().auths).toEqual({ 'example.com/team': auth(bob) });
  });

  it('hand it to a helper and keep no secret in the file', async () => {
    helper('keep', `[ "$1" = erase ] && exit 0; cat > "${folder}/kept-$1"`);
    write({ credsStore: 'keep' });
    const before = process.env.PATH;
    process.env.PATH = environment().PATH;
    try {
      await saveCredential('docker.io', alice, path);
      expect(JSON.parse(readFileSync(join(folder, 'kept-store'), 'utf8'))).toEqual({
        ServerURL: 'https://index.docker.io/v1/',
        Username: 'alice',
        Secret: 'a:secret',
      });
      expect(saved()).toEqual({ credsStore: 'keep', auths: { 'https://index.docker.io/v1/': {} } });
      expect(await removeCredential('docker.io', path)).toBe(true);
    } finally {
      process.env.PATH = before;
    }
  });

  it('write through a symbolic link, and keep it', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync('real/config.json', path);
    writeFileSync(join(folder, 'real/config.json'), '{}');
    await saveCredential('example.com', alice, path);
    expect(JSON.parse(readFileSync(join(folder, 'real/config.json'), 'utf8'))).toHaveProperty('auths');
    expect(
      readdirSync(folder, { withFileTypes: true })
        .find(({ name }) => name === 'config.json')
        ?.isSymbolicLink(),
    ).toBe(true);
  });

  it('refuse a user name that could not be read back', async () => {
    expect(await failure(saveCredential('example.com', { username: 'a:b', password: 'c' }, path))).toMatchObject({
      code: 'REGISTRY_CREDENTIALS',
    });
  });

  it('do not touch a file that they cannot read', async () => {
    write('{broken');
    expect(await failure(saveCredential('example.com', alice, path))).toMatchObject({ code: 'REGISTRY_CREDENTIALS' });
    expect(readFileSync(path, 'utf8')).toBe('{broken');
  });
});
