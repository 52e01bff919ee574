import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

/** What a registry that wants `me:secret` answers to the question of a login. */
function registry(): Server {
  return createServer((request, response) => {
    const known = request.headers.authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`;
    response.writeHead(known ? 200 : 401, { 'WWW-Authenticate': 'Basic realm="test"' }).end('{}');
  });
}

describe('login', () => {
  const server = registry();
  let host = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => server.close());

  async function configured(config?: unknown) {
    const directory = await temporaryDirectory();
    const path = join(directory, 'config.json');
    if (config !== undefined) await writeFile(path, JSON.stringify(config));
    return { directory, path, env: { DOCKER_CONFIG: directory } };
  }

  it('keeps the credential where docker does, readable by its owner only, the rest of the file as it was', async () => {
    const { path, env } = await configured({ psFormat: 'x', auths: { 'ghcr.io': { auth: 'eDp5' } } });
    expect((await tsbuild(['login', '-u', 'me', '-p', 'secret', host], { env })).code).toBe(0);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      psFormat: 'x',
      auths: { 'ghcr.io': { auth: 'eDp5' }, [host]: { auth: Buffer.from('me:secret').toString('base64') } },
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('gives it to the credential helper that is configured, and says so; logout takes it back', async () => {
    const { directory, path, env } = await configured({ credsStore: 'test' });
    const helper = join(directory, 'docker-credential-test');
    await writeFile(helper, `#!/bin/sh\necho "$1" >> ${directory}/calls\ncat >> ${directory}/calls\n`);
    await chmod(helper, 0o755);
    vi.stubEnv('PATH', `${directory}:${process.env['PATH']}`);
    try {
      const outcome = await tsbuild(['login', '-u', 'me', '--password-stdin', host], { env, stdin: 'secret' });
      expect(outcome).toMatchObject({
        code: 0,
        stdout: 'Login Succeeded\n',
        stderr: 'Your credentials are kept by docker-credential-test.\n',
      });
      expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ credsStore: 'test', auths: { [host]: {} } });
      expect(await tsbuild(['logout', host], { env })).toMatchObject({
        code: 0,
        stdout: `Removing login credentials for ${host}\n`,
      });
      const calls = await readFile(join(directory, 'calls'), 'utf8');
      expect(calls).toMatch(new RegExp(`^store\n{.*"Secret":"secret".*}erase\n${host}$`));
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('names no credentials of docker.io but by their old URL', async () => {
    const { env } = await configured();
    expect(await tsbuild(['logout'], { env })).toMatchObject({
      code: 0,
      stdout: 'Not logged in to https://index.docker.io/v1/\n',
    });
  });

  it('does not take a kept credential that is no good any more', async () => {
    const auth = Buffer.from('me:old').toString('base64');
    const { env } = await configured({ auths: { [host]: { auth } } });
    const outcome = await tsbuild(['login', host], { env });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/^Authenticating with existing credentials\.\.\.\nERROR: .* did not accept/);
  });

  it.each([
    [['--password-stdin', 'x'], 'p', 2, /Must provide --username with --password-stdin/],
    [['-u', 'me', '-p', 'x', '--password-stdin', 'x'], 'p', 2, /mutually exclusive/],
    [['-u', 'me', '--password-stdin', 'x'], '\n', 2, /the password on standard input is empty/],
    [['-u', 'me', '--password-stdin', 'x'], 'x'.repeat(2 << 20), 1, /is not a password: it is larger than 1 MiB/],
    [['-u', 'me', '-p', '', 'x'], undefined, 2, /the password is empty/],
    [['-u', '', '-p', 'x', 'x'], undefined, 2, /the user name is empty/],
    [['-u', 'a:b', '-p', 'x', 'x'], undefined, 2, /invalid user name "a:b": it cannot contain a colon/],
    [['me@host'], undefined, 2, /invalid SERVER "me@host"/],
    [['a', 'b'], undefined, 2, /too many with "b"/],
    [['-u', 'me', 'x'], undefined, 1, /standard input is not a terminal\nhint: pipe the password in/],
    [['x'], undefined, 1, /standard input is not a terminal/],
  ])('%j is refused', async (argv, stdin, code, message) => {
    const { env } = await configured();
    const outcome = await tsbuild(['login', ...argv], { env, ...(stdin === undefined ? {} : { stdin }) });
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });
});
