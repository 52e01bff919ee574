import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestHex, MediaType, sha256Digest } from '@tsbuild/oci';
import { RegistryClient } from '@tsbuild/oci/node';
import { describe } from 'vitest';
import { NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../../oci/testing/docker-registry.ts';
import type { CacheBackend } from '../../src/shared-cache/backend/cache-backend.ts';
import { openRegistryBackend } from '../../src/shared-cache/backend/registry/registry-backend.ts';
import { parseCacheSpecs } from '../../src/shared-cache/flags/cache-spec.ts';
import { type CachePlace, cacheBackendContract } from '../../testing/cache-backend-contract.ts';

const QUICK = { attempts: 2, baseMilliseconds: 10, maxMilliseconds: 50 };
const clientOf = (): RegistryClient => new RegistryClient({ environment: {}, retry: QUICK });

/** A repository of a registry of Debian's package. */
async function registryPlace(): Promise<CachePlace> {
  const registry = await startDockerRegistry();
  const ref = `${registry.host}/team/app-cache:main`;
  const blob = (digest: Digest): string =>
    join(
      registry.directory,
      'storage/docker/registry/v2/blobs/sha256',
      digestHex(digest).slice(0, 2),
      digestHex(digest),
      'data',
    );
  const open = async (): Promise<CacheBackend> => {
    const [spec] = parseCacheSpecs('cache-to', `type=registry,ref=${ref}`).specs;
    if (spec === undefined) throw new Error('a reference is a place');
    return openRegistryBackend(spec, { client: clientOf, environment: {}, directory: '/', now: Date.now });
  };
  return {
    keepsIndexes: true,
    open,
    damage: async (digest) => {
      const bytes = readFileSync(blob(digest));
      writeFileSync(blob(digest), Buffer.alloc(bytes.length, 'x'));
    },
    lose: async (digest) => rmSync(blob(digest)),
    breakDown: () => registry.stop(),
    putForeign: async () => {
      const client = clientOf();
      const target = { registry: registry.host, repository: 'team/app-cache', tag: 'main' };
      const config = Buffer.from('{"layers":[]}');
      const descriptor = {
        mediaType: 'application/vnd.buildkit.cacheconfig.v0',
        digest: sha256Digest(config),
        size: config.length,
      };
      await client.pushBlob(target, descriptor, async function* () {
        yield config;
      });
      const document = { schemaVersion: 2, mediaType: MediaType.ociManifest, config: descriptor, layers: [] };
      const bytes = Buffer.from(JSON.stringify(document));
      const manifest = { mediaType: MediaType.ociManifest, digest: sha256Digest(bytes), size: bytes.length };
      await client.pushManifest(target, manifest, bytes);
      return {
        what: "BuildKit's cache",
        isIntact: async () =>
          (await client.resolve(target)).digest === manifest.digest && existsSync(blob(manifest.digest)),
      };
    },
    [Symbol.asyncDispose]: () => registry.stop(),
  };
}

describe.skipIf(SKIP_REGISTRY)(`a registry${NO_REGISTRY}`, () => {
  cacheBackendContract('type=registry', registryPlace);
});
