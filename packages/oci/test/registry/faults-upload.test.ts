import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { NO_REGISTRY, SKIP_REGISTRY } from '../../testing/docker-registry.ts';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { describeBytes, failure, readAll, someBytes, sourceOf } from './content.ts';
import { FaultyRegistry, manifest, manifestDescriptor } from './faulty-registry.ts';

describe.skipIf(SKIP_REGISTRY)(`uploads with faults${NO_REGISTRY}`, () => {
  const faulty = new FaultyRegistry();

  describe('an upload', () => {
    let count = 0;
    let fresh: { bytes: Buffer; descriptor: Descriptor };
    beforeEach(() => {
      const bytes = someBytes(300_000, `upload ${count++}`);
      fresh = { bytes, descriptor: describeBytes(bytes) };
    });

    /** Pushes, and reads back past the faulty.proxy. */
    async function upload(chunkBytes = 100_000): Promise<string> {
      const outcome = await faulty.client.pushBlob(faulty.app, fresh.descriptor, sourceOf(fresh.bytes, 33_333), {
        chunkBytes,
      });
      const direct = parseReference(`${faulty.registry.host}/app:1`);
      const back = await readAll(faulty.client.blob(direct, fresh.descriptor));
      expect(createHash('sha256').update(back).digest('hex')).toBe(fresh.descriptor.digest.slice(7));
      return outcome;
    }
    const writes = (): string[] => faulty.proxy.seen.map(({ method }) => method).filter((method) => method !== 'HEAD');

    it('is sent in chunks', async () => {
      expect(await upload()).toBe('uploaded');
      expect(writes()).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH', 'PUT'].toSpliced(0, 0, ...probe()));
      expect(
        faulty.proxy.seen.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']),
      ).toEqual(['0-99999', '100000-199999', '200000-299999']);
    });

    /** The question how the host is reached, which a new client asks first. */
    function probe(): string[] {
      return faulty.proxy.seen[0]?.url === '/v2/' ? ['GET'] : [];
    }

    for (const method of ['POST', 'PATCH', 'PUT']) {
      for (const status of [500, 503, 429]) {
        it(`goes on after ${status} to ${method}`, async () => {
          faulty.proxy.script({ method, fault: { kind: 'status', status } });
          expect(await upload()).toBe('uploaded');
          expect(faulty.proxy.pending).toBe(0);
        });
      }

      it(`goes on after a reset instead of an answer to ${method}`, async () => {
        faulty.proxy.script({ method, fault: { kind: 'reset' } });
        expect(await upload()).toBe('uploaded');
        expect(faulty.proxy.pending).toBe(0);
      });

      it(`goes on when the answer to ${method} was lost`, async () => {
        faulty.proxy.script({ method, fault: { kind: 'lose-answer' } });
        expect(await upload()).toBe('uploaded');
        expect(faulty.proxy.pending).toBe(0);
      });
    }

    it.each([0, 1, 50_000, 99_999])('goes on when the second chunk is cut after %i bytes', async (after) => {
      faulty.proxy.script({ method: 'PATCH', skip: 1, fault: { kind: 'drop-request', after } });
      expect(await upload()).toBe('uploaded');
      expect(faulty.proxy.pending).toBe(0);
    });

    it.each([0, 1, 150_000, 299_999])('in one piece begins anew when cut after %i bytes', async (after) => {
      faulty.proxy.script({ method: 'PUT', fault: { kind: 'drop-request', after } });
      expect(await upload(1_000_000)).toBe('uploaded');
      expect(faulty.proxy.pending).toBe(0);
    });

    it('asks how far the registry got, and sends the rest only', async () => {
      faulty.proxy.script({ method: 'PATCH', skip: 1, fault: { kind: 'status', status: 503 } });
      await upload();
      expect(faulty.proxy.seen.filter(({ method, url }) => method === 'GET' && url.includes('/uploads/'))).toHaveLength(
        1,
      );
      expect(writes().filter((method) => method === 'PATCH')).toHaveLength(4);
      expect(writes().filter((method) => method === 'POST')).toHaveLength(1);
    });

    it('begins anew when the registry has forgotten it', async () => {
      faulty.proxy.script(
        { method: 'PATCH', skip: 2, fault: { kind: 'reset' } },
        { method: 'GET', path: /\/uploads\//, fault: { kind: 'status', status: 404 } },
      );
      expect(await upload()).toBe('uploaded');
      expect(writes().filter((method) => method === 'POST')).toHaveLength(2);
    });

    it('begins anew when the registry forgets it between chunks', async () => {
      const body = JSON.stringify({ errors: [{ code: 'BLOB_UPLOAD_UNKNOWN' }] });
      faulty.proxy.script({ method: 'PATCH', skip: 1, fault: { kind: 'status', status: 404, body } });
      expect(await upload()).toBe('uploaded');
      expect(writes().filter((method) => method === 'POST')).toHaveLength(2);
    });

    it.each([404, 405, 416])('goes in one piece where the registry answers %i to chunks', async (status) => {
      faulty.proxy.script({ method: 'PATCH', times: Infinity, fault: { kind: 'status', status } });
      expect(await upload()).toBe('uploaded');
      expect(writes().filter((method) => method === 'PATCH')).toHaveLength(1);
    });

    it('sends larger chunks where the registry wants them', async () => {
      faulty.proxy.script({
        method: 'POST',
        fault: { kind: 'headers', headers: { 'oci-chunk-min-length': '200000' } },
      });
      await upload();
      expect(writes().filter((method) => method === 'PATCH')).toHaveLength(2);
    });

    it.each([400, 401, 403, 404, 405])('is sent where a mount is refused with %i', async (status) => {
      faulty.proxy.script({ method: 'POST', path: /mount=/, fault: { kind: 'status', status } });
      const { bytes, descriptor } = fresh;
      const work = faulty.client.pushBlob(faulty.app, descriptor, sourceOf(bytes), { mountFrom: 'secret/app' });
      expect(await work).toBe('uploaded');
      expect(faulty.proxy.pending).toBe(0);
    });

    it('takes a Location that is relative', async () => {
      const relative = { kind: 'relative-location' } as const;
      faulty.proxy.script({ method: 'POST', fault: relative }, { method: 'PATCH', times: 3, fault: relative });
      expect(await upload()).toBe('uploaded');
    });

    it('ends after five failures with what went wrong', async () => {
      faulty.proxy.script({ method: 'PATCH', times: Infinity, fault: { kind: 'status', status: 503 } });
      expect(await failure(upload())).toMatchObject({ code: 'REGISTRY_ERROR', fields: { status: 503 } });
    });

    it('that the registry refuses is not repeated', async () => {
      faulty.proxy.script({ method: 'PUT', times: Infinity, fault: { kind: 'status', status: 403 } });
      expect(await failure(upload())).toMatchObject({ code: 'REGISTRY_DENIED' });
      expect(writes().filter((method) => method === 'PUT')).toHaveLength(1);
    });

    it('of a manifest is repeated', async () => {
      faulty.proxy.script({ method: 'PUT', times: 2, fault: { kind: 'lose-answer' } });
      await faulty.client.pushManifest(parseReference(`${faulty.proxy.host}/app:2`), manifestDescriptor, manifest);
      expect(await faulty.client.resolve(parseReference(`${faulty.proxy.host}/app:2`))).toEqual(manifestDescriptor);
    });

    it('of a manifest is repeated when the registry has read a file that another client was writing', async () => {
      const body = JSON.stringify({ errors: [{ code: 'DIGEST_INVALID', message: 'provided digest did not match' }] });
      faulty.proxy.script({ method: 'PUT', times: 2, fault: { kind: 'status', status: 400, body } });
      const name = parseReference(`${faulty.proxy.host}/app:3`);
      await faulty.client.pushManifest(name, manifestDescriptor, manifest);
      expect(await faulty.client.resolve(name)).toEqual(manifestDescriptor);
    });

    it('of a manifest that the registry finds invalid is not repeated', async () => {
      const body = JSON.stringify({ errors: [{ code: 'MANIFEST_INVALID', message: 'no' }] });
      faulty.proxy.script({ method: 'PUT', times: Infinity, fault: { kind: 'status', status: 400, body } });
      const work = faulty.client.pushManifest(
        parseReference(`${faulty.proxy.host}/app:4`),
        manifestDescriptor,
        manifest,
      );
      expect(await failure(work)).toMatchObject({ fields: { registryCode: 'MANIFEST_INVALID' } });
      expect(writes().filter((method) => method === 'PUT')).toHaveLength(1);
    });
  });
});
