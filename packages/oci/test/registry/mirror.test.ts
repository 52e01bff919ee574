import { describe, expect, it } from 'vitest';
import { NO_REGISTRY, SKIP_REGISTRY } from '../../testing/docker-registry.ts';
import type { Fault } from '../../testing/fault-proxy.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { failure, readAll } from './content.ts';
import { blob, descriptor, FaultyRegistry, manifestDescriptor, onBlob } from './faulty-registry.ts';

describe.skipIf(SKIP_REGISTRY)(`mirrors with faults${NO_REGISTRY}`, () => {
  const faulty = new FaultyRegistry();

  describe('a mirror', () => {
    const viaMirror = async (mirrors: readonly string[]): Promise<string> => {
      faulty.use({ mirrors: { [faulty.registry.host]: mirrors } });
      const direct = parseReference(`${faulty.registry.host}/app:1`);
      expect((await faulty.client.manifest(direct)).descriptor).toEqual(manifestDescriptor);
      const bytes = await readAll(faulty.client.blob(direct, descriptor));
      return bytes.equals(blob) ? 'the image' : 'something else';
    };

    it('is asked first', async () => {
      expect(await viaMirror([faulty.proxy.host])).toBe('the image');
      expect(faulty.proxy.seen.map(({ url }) => url)).toContain(`/v2/app/blobs/${descriptor.digest}`);
    });

    it.each([
      ['without the image', { kind: 'status', status: 404 }],
      ['that denies', { kind: 'status', status: 403 }],
      ['that is broken', { kind: 'status', status: 500 }],
      ['that hangs up', { kind: 'reset' }],
    ] as [string, Fault][])('%s is passed over', async (_, fault) => {
      faulty.proxy.script({ path: /app/, times: Infinity, fault });
      expect(await viaMirror([faulty.proxy.host])).toBe('the image');
    });

    it('that breaks off half-way is carried on by the registry', async () => {
      faulty.proxy.script(
        onBlob({ kind: 'drop', after: 1000 }),
        onBlob({ kind: 'status', status: 404 }, { times: Infinity }),
      );
      expect(await viaMirror([faulty.proxy.host])).toBe('the image');
    });

    it('that is not there is asked once', async () => {
      expect(await viaMirror(['127.0.0.1:1'])).toBe('the image');
      expect(faulty.clock.slept).toEqual([]);
    });

    it('is named when nobody has the image', async () => {
      faulty.use({ mirrors: { [faulty.registry.host]: ['127.0.0.1:1'] } });
      const error = await failure(faulty.client.manifest(parseReference(`${faulty.registry.host}/none:1`)));
      expect(error).toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
      expect(error.message).toMatch(
        /its mirror 127\.0\.0\.1:1: cannot reach 127\.0\.0\.1:1: the connection was refused/,
      );
    });
  });
});
