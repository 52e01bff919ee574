import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates, NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../testing/docker-registry.ts';
import type { DockerRegistry, TestCertificates } from '../../testing/docker-registry.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions } from '../../src/registry/options.ts';
import { failure, quietOptions, readAll } from './content.ts';
import { pushImage } from './push-image.ts';
import { startServer } from './web-server.ts';
import type { WebServer } from './web-server.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const client = (options: RegistryOptions = {}): RegistryClient => {
  const made = new RegistryClient(quietOptions(options));
  open.push(made);
  return made;
};
let directory: string;
let certificates: TestCertificates;

describe.skipIf(SKIP_REGISTRY)(`access to docker-registry${NO_REGISTRY}`, () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'registry-test-'));
    certificates = makeCertificates(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  describe('with basic authentication', () => {
    let registry: DockerRegistry;
    const credential = { username: 'alice', password: 'wonder:land' };
    beforeAll(async () => {
      registry = await startDockerRegistry({ basic: credential });
    });
    afterAll(() => registry.stop());

    it('takes the right password', async () => {
      const c = client({ credentials: async () => credential });
      await c.checkAccess(registry.host);
      const reference = parseReference(`${registry.host}/private/app:1`);
      const { layerDescriptor, layer } = await pushImage(c, reference);
      expect((await readAll(c.blob(reference, layerDescriptor))).equals(layer)).toBe(true);
    });

    it('refuses a wrong one, and none', async () => {
      const wrong = client({ credentials: async () => ({ ...credential, password: 'queen' }) });
      const error = await failure(wrong.checkAccess(registry.host));
      expect(error).toMatchObject({ code: 'REGISTRY_DENIED', fields: { status: 401, registryCode: 'UNAUTHORIZED' } });
      expect(error.message).not.toContain('queen');
      const none = await failure(client().resolve(parseReference(`${registry.host}/private/app:1`)));
      expect(none).toMatchObject({ code: 'REGISTRY_DENIED' });
      expect(none.message).toMatch(/no credential is stored for it; log in first/);
    });

    it('finds the password in config.json', async () => {
      const folder = mkdtempSync(join(directory, 'config-'));
      const auth = Buffer.from('alice:wonder:land').toString('base64');
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
      const c = new RegistryClient({ environment: { DOCKER_CONFIG: folder } });
      await expect(c.checkAccess(registry.host)).resolves.toBeUndefined();
      c.close();
    });
  });

  describe('with TLS', () => {
    let registry: DockerRegistry;
    beforeAll(async () => {
      registry = await startDockerRegistry({ tls: certificates });
    });
    afterAll(() => registry.stop());

    it('trusts the CA file that is given', async () => {
      const c = client({ caFiles: [certificates.ca] });
      const reference = parseReference(`${registry.host}/tls/app:1`);
      const { layerDescriptor, layer } = await pushImage(c, reference);
      expect((await readAll(c.blob(reference, layerDescriptor))).equals(layer)).toBe(true);
      await client({ caFiles: [certificates.ca] }).checkAccess(registry.host.replace('127.0.0.1', 'localhost'));
    });

    it('trusts nobody else', async () => {
      const error = await failure(client().checkAccess(registry.host));
      expect(error).toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
      expect(error.message).toMatch(/unknown authority; configure its CA file/);
    });

    it('does not ask for a certificate where the host is listed as insecure', async () => {
      await expect(client({ insecure: [registry.host] }).checkAccess(registry.host)).resolves.toBeUndefined();
    });

    it('says when a CA file is none', async () => {
      const error = await failure(client({ caFiles: [certificates.key] }).checkAccess(registry.host));
      expect(error.message).toMatch(/cannot use the CA file .*server.key: it holds no certificate/);
    });
  });

  describe('with tokens', () => {
    let registry: DockerRegistry;
    let tokens: WebServer;
    let lifetime: number;
    const credential = { username: 'alice', password: 'wonder' };

    beforeAll(async () => {
      // A token server as the distribution project specifies it; the registry checks signature and claims.
      tokens = await startServer((request, response, body) => {
        const url = new URL(request.url ?? '', 'http://x');
        const form = new URLSearchParams(body);
        const basic = `Basic ${Buffer.from('alice:wonder').toString('base64')}`;
        const known = request.headers.authorization === basic || form.get('refresh_token') === 'the-identity';
        const scopes =
          request.method === 'POST' ? (form.get('scope') ?? '').split(' ') : url.searchParams.getAll('scope');
        const access = scopes.filter(Boolean).map((scope) => {
          const [type, name, actions = ''] = scope.split(':');
          return { type, name, actions: actions.split(',').filter((action) => known || action === 'pull') };
        });
        if (request.headers.authorization !== undefined && !known) return response.writeHead(401).end();
        const token = makeToken(access);
        return response.end(JSON.stringify({ token, expires_in: lifetime }));
      });
      const realm = `http://${tokens.host}/token`;
      registry = await startDockerRegistry({
        token: { realm, service: 'test-service', issuer: 'test', certificate: certificates.certificate },
      });
    });
    afterAll(async () => {
      await tokens.close();
      await registry.stop();
    });

    function makeToken(access: unknown): string {
      const key = createPrivateKey(readFileSync(certificates.key));
      const x5c = [new X509Certificate(readFileSync(certificates.certificate)).raw.toString('base64')];
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: 'test',
        sub: 'alice',
        aud: 'test-service',
        exp: now + 600,
        nbf: now - 10,
        iat: now,
        jti: randomUUID(),
        access,
      };
      const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const text = `${part({ typ: 'JWT', alg: 'ES256', x5c })}.${part(claims)}`;
      return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    }

    it('gets one token for all requests of a scope, and keeps the password from the registry', async () => {
      lifetime = 300;
      tokens.seen.length = 0;
      const c = client({ credentials: async () => credential });
      const reference = parseReference(`${registry.host}/tokens/app:1`);
      const { descriptor, layerDescriptor } = await pushImage(c, reference);
      expect(tokens.seen.map(({ line }) => line)).toEqual([
        expect.stringContaining('service=test-service&scope=repository%3Atokens%2Fapp%3Apull%2Cpush&account=alice'),
      ]);
      await Promise.all([c.resolve(reference), c.manifest(reference), readAll(c.blob(reference, layerDescriptor))]);
      expect(tokens.seen).toHaveLength(2);
      // Anonymous clients may read.
      expect(await client().resolve(reference)).toEqual(descriptor);
      expect(await failure(pushImage(client(), reference, 'other'))).toMatchObject({ code: 'REGISTRY_DENIED' });
    });

    it('gets a new token when the old one has had its time', async () => {
      lifetime = 60;
      const clock = { now: () => time, sleep: async () => {}, random: () => 0 };
      let time = Date.now();
      const c = client({ credentials: async () => credential, clock });
      const reference = parseReference(`${registry.host}/tokens/app:1`);
      await c.resolve(reference);
      tokens.seen.length = 0;
      await c.resolve(reference);
      expect(tokens.seen).toHaveLength(0);
      time += 55_000;
      await c.resolve(reference);
      expect(tokens.seen).toHaveLength(1);
    });

    it('asks for tokens with an identity token by POST', async () => {
      lifetime = 300;
      tokens.seen.length = 0;
      const c = client({ credentials: async () => ({ identityToken: 'the-identity' }) });
      await pushImage(c, parseReference(`${registry.host}/tokens/identity:1`));
      expect(tokens.seen).toHaveLength(1);
      expect(tokens.seen[0]?.line).toBe('POST /token');
      expect(Object.fromEntries(new URLSearchParams(tokens.seen[0]?.body))).toEqual({
        grant_type: 'refresh_token',
        client_id: 'tsbuild',
        refresh_token: 'the-identity',
        service: 'test-service',
        scope: 'repository:tokens/identity:pull,push',
      });
    });

    it('says so when the token server refuses the password', async () => {
      const c = client({ credentials: async () => ({ username: 'alice', password: 'nonsense' }) });
      const error = await failure(c.checkAccess(registry.host));
      expect(error).toMatchObject({ code: 'REGISTRY_DENIED', fields: { status: 401 } });
      expect(error.message).not.toContain('nonsense');
    });
  });
});
