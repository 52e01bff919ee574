import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CommandError } from '../src/host/usage-error.ts';
import { registryOptions } from '../src/registry/registry-config.ts';
import { temporaryDirectory } from './testing-host.ts';

async function configured(content: unknown) {
  const cwd = await temporaryDirectory();
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await writeFile(join(cwd, 'config.json'), text);
  return { path: join(cwd, 'config.json'), host: { cwd, env: { TSBUILD_CONFIG: 'config.json' } } };
}

describe('the configuration of registries', () => {
  it('is found by variable, by XDG_CONFIG_HOME, and at home', async () => {
    const content = { registries: { insecure: ['registry.local:5000'] } };
    const { host } = await configured(content);
    expect((await registryOptions(host)).insecure).toEqual(['registry.local:5000']);
    const home = await temporaryDirectory();
    for (const [variable, folder] of [
      ['XDG_CONFIG_HOME', 'tsbuild'],
      ['HOME', '.config/tsbuild'],
    ] as const) {
      await mkdir(join(home, folder), { recursive: true });
      await writeFile(join(home, folder, 'config.json'), JSON.stringify(content));
      const env = { [variable]: home };
      expect((await registryOptions({ cwd: '/', env })).insecure, variable).toEqual(['registry.local:5000']);
    }
  });

  it('is nothing where there is no file, but a named file must be there', async () => {
    const env = { HOME: '/nonexistent/home' };
    expect(await registryOptions({ cwd: '/', env })).toEqual({ environment: env });
    await expect(registryOptions({ cwd: '/', env: { TSBUILD_CONFIG: '/nonexistent/x.json' } })).rejects.toMatchObject({
      message: 'cannot read the configuration /nonexistent/x.json: no such file',
      hint: 'TSBUILD_CONFIG names it',
    });
  });

  it('says mirrors, insecure hosts and authorities, whose paths start at the file', async () => {
    const { host } = await configured({
      registries: {
        mirrors: { 'index.docker.io': ['127.0.0.1:5000', 'https://mirror.local/hub/'], 'ghcr.io': [] },
        insecure: ['[::1]:5000'],
        caFiles: ['certs/ca.pem', '/etc/ca.pem'],
      },
    });
    expect(await registryOptions(host)).toEqual({
      mirrors: { 'docker.io': ['127.0.0.1:5000', 'https://mirror.local/hub/'], 'ghcr.io': [] },
      insecure: ['[::1]:5000'],
      caFiles: [join(host.cwd, 'certs/ca.pem'), '/etc/ca.pem'],
      environment: host.env,
    });
  });

  it.each([
    ['{', /config\.json is not a JSON document: /],
    ['[]', 'the document must be an object'],
    [{ registry: {} }, 'unknown key registry', 'known keys: registries'],
    [{ registries: { mirors: {} } }, 'unknown key registries.mirors', 'did you mean mirrors?'],
    [{ registries: { proxy: {} } }, 'unknown key registries.proxy', /known keys: mirrors, insecure, caFiles/],
    [{ registries: [] }, 'registries must be an object'],
    [{ registries: { mirrors: ['x'] } }, 'registries.mirrors must be an object'],
    [{ registries: { mirrors: { 'docker.io': 'x' } } }, 'registries.mirrors["docker.io"] must be a list, […]'],
    [
      { registries: { mirrors: { 'docker.io': ['x', 'ftp://x'] } } },
      'registries.mirrors["docker.io"][1] must be a host, host:port, or http(s)://host/path',
    ],
    [{ registries: { mirrors: { 'https://x': [] } } }, /registries\.mirrors\["https:\/\/x"\] is not a registry/],
    [{ registries: { mirrors: { 'docker.io': [], 'index.docker.io': [] } } }, /already listed under another name/],
    [{ registries: { insecure: 'x' } }, 'registries.insecure must be a list, […]'],
    [{ registries: { insecure: ['http://x'] } }, 'registries.insecure[0] must be a host, or host:port'],
    [{ registries: { caFiles: [1] } }, 'registries.caFiles[0] must be the path of a PEM file'],
  ] as const)('%j is refused by file and key', async (content, message, hint: string | RegExp = 'undefined') => {
    const { path, host } = await configured(content);
    const error: unknown = await registryOptions(host).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: expect.stringMatching(pattern(message, `${path}: `)) });
    expect(String((error as CommandError).hint)).toMatch(pattern(hint, ''));
  });
});

/** The whole text, behind a beginning that is not in the table; or a part of it. */
function pattern(text: string | RegExp, beginning: string): RegExp {
  if (typeof text !== 'string') return text;
  return new RegExp(`^${`${beginning}${text}`.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}
