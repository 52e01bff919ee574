import { describe, expect, it } from 'vitest';
import { NO_REGISTRY, SKIP_REGISTRY } from '../../testing/docker-registry.ts';
import type { Fault } from '../../testing/fault-proxy.ts';
import { failure, readAll } from './content.ts';
import { blob, descriptor, FaultyRegistry, manifestDescriptor, onBlob, SIZE } from './faulty-registry.ts';

describe.skipIf(SKIP_REGISTRY)(`downloads with faults${NO_REGISTRY}`, () => {
  const faulty = new FaultyRegistry();

  /** Reads the blob by way of the proxy. */
  const download = async (): Promise<string> => {
    const bytes = await readAll(faulty.client.blob(faulty.app, descriptor));
    return bytes.equals(blob) ? 'the blob' : 'something else';
  };

  describe('a download that is cut', () => {
    it.each([0, 1, 2, SIZE / 2, SIZE - 1])('after %i bytes goes on there', async (after) => {
      faulty.proxy.script(onBlob({ kind: 'drop', after }));
      expect(await download()).toBe('the blob');
      expect(faulty.blobRequests()).toEqual(['', after === 0 ? '' : `bytes=${after}-`]);
      // A reset before any answer, on a kept connection, is tried again at once.
      expect(faulty.clock.slept).toEqual(after === 0 ? [] : [500]);
    });

    it('again and again arrives', async () => {
      faulty.proxy.script(...[70_000, 1, 50_000, 40_000].map((after) => onBlob({ kind: 'drop', after })));
      expect(await download()).toBe('the blob');
      expect(faulty.blobRequests()).toEqual(['', 'bytes=70000-', 'bytes=70001-', 'bytes=120001-', 'bytes=160001-']);
    });

    it('more often than is allowed fails, and says how', async () => {
      faulty.proxy.script(onBlob({ kind: 'drop', after: 10 }, { times: Infinity }));
      expect(await failure(download())).toMatchObject({ code: 'REGISTRY_INTERRUPTED' });
      expect(faulty.blobRequests()).toHaveLength(5);
    });

    it.each([0, 1, SIZE / 2, SIZE - 1])('in order, but after %i bytes only, goes on', async (after) => {
      faulty.proxy.script(onBlob({ kind: 'truncate', after }));
      expect(await download()).toBe('the blob');
      expect(faulty.blobRequests()).toHaveLength(2);
    });

    it('and sent whole by a server without ranges is not mixed', async () => {
      faulty.proxy.script(onBlob({ kind: 'drop', after: 12_345 }), onBlob({ kind: 'ignore-range' }));
      expect(await download()).toBe('the blob');
    });

    it.each([1, -1, 5000])('and goes on %i bytes off is asked for whole', async (by) => {
      faulty.proxy.script(onBlob({ kind: 'drop', after: 12_345 }), onBlob({ kind: 'wrong-range', by }));
      expect(await download()).toBe('the blob');
      expect(faulty.blobRequests()).toEqual(['', 'bytes=12345-', '']);
    });

    it('and answered 416 is asked for whole', async () => {
      faulty.proxy.script(onBlob({ kind: 'drop', after: 12_345 }), onBlob({ kind: 'status', status: 416 }));
      expect(await download()).toBe('the blob');
      expect(faulty.blobRequests()).toEqual(['', 'bytes=12345-', '']);
    });

    it('and answered by a part without Content-Range is asked for whole', async () => {
      faulty.proxy.script(
        onBlob({ kind: 'drop', after: 12_345 }),
        onBlob({ kind: 'headers', headers: { 'content-range': '' } }),
      );
      expect(await download()).toBe('the blob');
    });
  });

  describe('a blob that is not itself', () => {
    it.each([0, SIZE / 2, SIZE - 1])('with another byte at %i is refused', async (at) => {
      faulty.proxy.script(onBlob({ kind: 'flip', at }));
      expect(await failure(download())).toMatchObject({ code: 'BLOB_CORRUPT', fields: { digest: descriptor.digest } });
    });

    it.each([1, -1, 1000])('with a Content-Length that is %i off is refused', async (by) => {
      faulty.proxy.script(onBlob({ kind: 'length', by }));
      const error = await failure(download());
      expect(error).toMatchObject({ code: 'BLOB_CORRUPT' });
      expect(error.message).toMatch(/Content-Length/);
    });

    it('with more bytes is refused', async () => {
      faulty.proxy.script(onBlob({ kind: 'extra', bytes: 1 }));
      expect(await failure(download())).toMatchObject({ code: 'BLOB_CORRUPT' });
    });

    it('changed after a resume is refused', async () => {
      faulty.proxy.script(onBlob({ kind: 'drop', after: 1000 }), onBlob({ kind: 'flip', at: 0 }));
      expect(await failure(download())).toMatchObject({ code: 'BLOB_CORRUPT' });
    });

    it('said to be compressed once more is taken by its digest', async () => {
      faulty.proxy.script(onBlob({ kind: 'headers', headers: { 'content-encoding': 'gzip' } }));
      expect(await download()).toBe('the blob');
    });

    it('that is not what its name says is the fault of the host that sent it', async () => {
      faulty.proxy.script(onBlob({ kind: 'flip', at: 1000 }, { times: Infinity }));
      const error = await failure(download());
      expect(error).toMatchObject({ code: 'BLOB_CORRUPT', fields: { host: faulty.proxy.host } });
      expect(error.message).toContain(`as ${faulty.proxy.host} sends it`);
    });
  });

  describe('answers that may pass', () => {
    it.each([408, 429, 500, 502, 503, 504])('%i is tried again', async (status) => {
      faulty.proxy.script(onBlob({ kind: 'status', status }, { times: 2 }));
      expect(await download()).toBe('the blob');
      expect(faulty.clock.slept).toEqual([500, 1000]);
    });

    it('429 with Retry-After, 503 and a reset are waited for as they should', async () => {
      const path = /\/manifests\//;
      faulty.proxy.script(
        { path, fault: { kind: 'status', status: 429, headers: { 'Retry-After': '1' } } },
        { path, fault: { kind: 'status', status: 503 } },
        { path, times: 2, fault: { kind: 'reset' } }, // the first may be a kept connection that was closed
      );
      expect((await faulty.client.manifest(faulty.app)).descriptor).toEqual(manifestDescriptor);
      expect(faulty.clock.slept).toEqual([1000, 1000, 2000]);
    });

    it('Retry-After may be a date, and may not be a day', async () => {
      const at = (time: number): Fault => ({
        kind: 'status',
        status: 429,
        headers: { 'Retry-After': new Date(time).toUTCString() },
      });
      faulty.proxy.script(onBlob(at(faulty.clock.now() + 3000)), onBlob(at(faulty.clock.now() + 86_400_000)));
      expect(await download()).toBe('the blob');
      expect(faulty.clock.slept).toEqual([3000, 60_000]);
    });

    it('end after five, with what the registry said', async () => {
      const body = JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] });
      faulty.proxy.script(onBlob({ kind: 'status', status: 429, body }, { times: Infinity }));
      const error = await failure(download());
      expect(error).toMatchObject({ code: 'REGISTRY_ERROR', fields: { status: 429, registryCode: 'TOOMANYREQUESTS' } });
      expect(error.message).toMatch(/answered 429 Too Many Requests \(TOOMANYREQUESTS: slow down\)/);
      expect(faulty.blobRequests()).toHaveLength(5);
    });

    it.each([400, 403, 404, 501])('%i is not tried again', async (status) => {
      faulty.proxy.script(onBlob({ kind: 'status', status }, { times: Infinity }));
      expect(await failure(download())).toMatchObject({ fields: { status } });
      expect(faulty.blobRequests()).toHaveLength(1);
    });
  });

  describe('silence', () => {
    /** How long these clients put up with it, in milliseconds. */
    const IDLE = 300;

    it('instead of an answer is tried again', async () => {
      faulty.use({ idleMilliseconds: IDLE });
      faulty.proxy.script(onBlob({ kind: 'silence' }));
      expect(await download()).toBe('the blob');
    });

    it('for ever ends with a name', async () => {
      faulty.use({ idleMilliseconds: IDLE, retry: { attempts: 2, baseMilliseconds: 1, maxMilliseconds: 1 } });
      faulty.proxy.script(onBlob({ kind: 'silence' }, { times: Infinity }));
      const error = await failure(download());
      expect(error).toMatchObject({ code: 'REGISTRY_TIMEOUT' });
      expect(error.message).toMatch(/sent no useful data for 300 ms/);
    });

    it('is what a trickle amounts to (slow loris)', async () => {
      faulty.use({ idleMilliseconds: IDLE, retry: { attempts: 1, baseMilliseconds: 1, maxMilliseconds: 1 } });
      faulty.proxy.script(onBlob({ kind: 'trickle', bytes: 1, everyMilliseconds: 30 }));
      expect(await failure(download())).toMatchObject({ code: 'REGISTRY_TIMEOUT' });
    });

    it('of the reader is not held against the registry', async () => {
      faulty.use({ idleMilliseconds: IDLE });
      const parts: Uint8Array[] = [];
      for await (const part of faulty.client.blob(faulty.app, descriptor)) {
        if (parts.length === 1) await new Promise((resolve) => setTimeout(resolve, 3 * IDLE));
        parts.push(part);
      }
      expect(Buffer.concat(parts).equals(blob)).toBe(true);
      expect(faulty.blobRequests()).toHaveLength(1);
    });

    it('ends at once with an abort', async () => {
      faulty.use({ idleMilliseconds: 600_000 });
      faulty.proxy.script(onBlob({ kind: 'silence' }));
      const reason = new Error('no more');
      const abort = new AbortController();
      setTimeout(() => abort.abort(reason), 50);
      await expect(readAll(faulty.client.blob(faulty.app, descriptor, abort.signal))).rejects.toBe(reason);
    });

    it('ends at once with close()', async () => {
      faulty.use({ idleMilliseconds: 60_000 });
      faulty.proxy.script(onBlob({ kind: 'silence' }, { times: Infinity }));
      setTimeout(() => faulty.client.close(), 50);
      expect(await failure(download())).toMatchObject({ code: 'REGISTRY_INTERRUPTED' });
    });
  });
});
