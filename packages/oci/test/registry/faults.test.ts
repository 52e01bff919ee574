import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../testing/docker-registry.ts';
import type { DockerRegistry } from '../../testing/docker-registry.ts';
import { FaultProxy } from '../../testing/fault-proxy.ts';
import type { Fault, FaultRule } from '../../testing/fault-proxy.ts';
import type { Descriptor } from '../../src/descriptor.ts';
import { MediaType } from '../../src/media-type.ts';
import { parseReference } from '../../src/reference.ts';
import type { Reference } from '../../src/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions } from '../../src/registry/options.ts';
import {
  describeBytes,
  failure,
  makeManifest,
  quietOptions,
  readAll,
  someBytes,
  sourceOf,
  TestClock,
} from './content.ts';

const SIZE = 200_000;
const IDLE = 300;

describe.skipIf(SKIP_REGISTRY)(`a registry with faults${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let proxy: FaultProxy;
  let clock: TestClock;
  let client: RegistryClient;
  let app: Reference;
  const blob = someBytes(SIZE);
  const descriptor = describeBytes(blob);
  const manifest = makeManifest(describeBytes(Buffer.from('{}'), MediaType.ociConfig), [descriptor]);
  const manifestDescriptor = describeBytes(manifest, MediaType.ociManifest);

  beforeAll(async () => {
    registry = await startDockerRegistry();
    proxy = await FaultProxy.start(registry.host);
    app = parseReference(`${proxy.host}/app:1`);
    const setUp = new RegistryClient(quietOptions());
    const empty = Buffer.from('{}');
    await setUp.pushBlob(app, descriptor, sourceOf(blob));
    await setUp.pushBlob(app, describeBytes(empty), sourceOf(empty));
    await setUp.pushManifest(app, manifestDescriptor, manifest);
    setUp.close();
  });
  afterAll(async () => {
    await proxy.close();
    await registry.stop();
  });
  beforeEach(() => {
    clock = new TestClock();
    client = makeClient();
  });
  afterEach(() => {
    client.close();
    proxy.script();
  });

  function makeClient(options: RegistryOptions = {}): RegistryClient {
    return new RegistryClient(quietOptions({ clock, idleMilliseconds: IDLE, ...options }));
  }

  const download = async (): Promise<void> => {
    expect((await readAll(client.blob(app, descriptor))).equals(blob)).toBe(true);
  };
  const onBlob = (fault: Fault, rule: Partial<FaultRule> = {}): FaultRule => ({
    method: 'GET',
    path: /\/blobs\/sha256/,
    fault,
    ...rule,
  });
  const blobRequests = (): string[] =>
    proxy.seen
      .filter(({ method, url }) => method === 'GET' && url.includes('/blobs/'))
      .map(({ headers }) => headers.range ?? '');

  describe('a download that is cut', () => {
    it.each([0, 1, 2, SIZE / 2, SIZE - 1])('after %i bytes goes on there', async (after) => {
      proxy.script(onBlob({ kind: 'drop', after }));
      await download();
      expect(blobRequests()).toEqual(['', after === 0 ? '' : `bytes=${after}-`]);
      // A reset before any answer, on a kept connection, is tried again at once.
      expect(clock.slept).toEqual(after === 0 ? [] : [500]);
    });

    it('again and again arrives', async () => {
      proxy.script(...[70_000, 1, 50_000, 40_000].map((after) => onBlob({ kind: 'drop', after })));
      await download();
      expect(blobRequests()).toEqual(['', 'bytes=70000-', 'bytes=70001-', 'bytes=120001-', 'bytes=160001-']);
    });

    it('more often than is allowed fails, and says how', async () => {
      proxy.script(onBlob({ kind: 'drop', after: 10 }, { times: Infinity }));
      expect(await failure(download())).toMatchObject({ code: 'REGISTRY_INTERRUPTED' });
      expect(blobRequests()).toHaveLength(5);
    });

    it.each([0, 1, SIZE / 2, SIZE - 1])('in order, but after %i bytes only, goes on', async (after) => {
      proxy.script(onBlob({ kind: 'truncate', after }));
      await download();
      expect(blobRequests()).toHaveLength(2);
    });

    it('and sent whole by a server without ranges is not mixed', async () => {
      proxy.script(onBlob({ kind: 'drop', after: 12_345 }), onBlob({ kind: 'ignore-range' }));
      await download();
    });

    it.each([1, -1, 5000])('and goes on %i bytes off is asked for whole', async (by) => {
      proxy.script(onBlob({ kind: 'drop', after: 12_345 }), onBlob({ kind: 'wrong-range', by }));
      await download();
      expect(blobRequests()).toEqual(['', 'bytes=12345-', '']);
    });

    it('and answered 416 is asked for whole', async () => {
      proxy.script(onBlob({ kind: 'drop', after: 12_345 }), onBlob({ kind: 'status', status: 416 }));
      await download();
      expect(blobRequests()).toEqual(['', 'bytes=12345-', '']);
    });

    it('and answered by a part without Content-Range is asked for whole', async () => {
      proxy.script(
        onBlob({ kind: 'drop', after: 12_345 }),
        onBlob({ kind: 'headers', headers: { 'content-range': '' } }),
      );
      await download();
    });
  });

  describe('a blob that is not itself', () => {
    it.each([0, SIZE / 2, SIZE - 1])('with another byte at %i is refused', async (at) => {
      proxy.script(onBlob({ kind: 'flip', at }));
      expect(await failure(download())).toMatchObject({ code: 'BLOB_CORRUPT', fields: { digest: descriptor.digest } });
    });

    it.each([1, -1, 1000])('with a Content-Length that is %i off is refused', async (by) => {
      proxy.script(onBlob({ kind: 'length', by }));
      const error = await failure(download());
      expect(error).toMatchObject({ code: 'BLOB_CORRUPT' });
      expect(error.message).toMatch(/Content-Length/);
    });

    it('with more bytes is refused', async () => {
      proxy.script(onBlob({ kind: 'extra', bytes: 1 }));
      expect(await failure(download())).toMatchObject({ code: 'BLOB_CORRUPT' });
    });

    it('changed after a resume is refused', async () => {
      proxy.script(onBlob({ kind: 'drop', after: 1000 }), onBlob({ kind: 'flip', at: 0 }));
      expect(await failure(download())).toMatchObject({ code: 'BLOB_CORRUPT' });
    });

    it('compressed once more is refused', async () => {
      proxy.script(onBlob({ kind: 'headers', headers: { 'content-encoding': 'gzip' } }));
      expect(await failure(download())).toMatchObject({ code: 'REGISTRY_RESPONSE' });
    });
  });

  describe('answers that may pass', () => {
    it.each([408, 429, 500, 502, 503, 504])('%i is tried again', async (status) => {
      proxy.script(onBlob({ kind: 'status', status }, { times: 2 }));
      await download();
      expect(clock.slept).toEqual([500, 1000]);
    });

    it('429 with Retry-After, 503 and a reset are waited for as they should', async () => {
      const path = /\/manifests\//;
      proxy.script(
        { path, fault: { kind: 'status', status: 429, headers: { 'Retry-After': '1' } } },
        { path, fault: { kind: 'status', status: 503 } },
        { path, times: 2, fault: { kind: 'reset' } }, // the first may be a kept connection that was closed
      );
      expect((await client.manifest(app)).descriptor).toEqual(manifestDescriptor);
      expect(clock.slept).toEqual([1000, 1000, 2000]);
    });

    it('Retry-After may be a date, and may not be a day', async () => {
      const at = (time: number): Fault => ({
        kind: 'status',
        status: 429,
        headers: { 'Retry-After': new Date(time).toUTCString() },
      });
      proxy.script(onBlob(at(clock.now() + 3000)), onBlob(at(clock.now() + 86_400_000)));
      await download();
      expect(clock.slept).toEqual([3000, 60_000]);
    });

    it('end after five, with what the registry said', async () => {
      const body = JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] });
      proxy.script(onBlob({ kind: 'status', status: 429, body }, { times: Infinity }));
      const error = await failure(download());
      expect(error).toMatchObject({ code: 'REGISTRY_ERROR', fields: { status: 429, registryCode: 'TOOMANYREQUESTS' } });
      expect(error.message).toMatch(/answered 429 Too Many Requests \(TOOMANYREQUESTS: slow down\)/);
      expect(blobRequests()).toHaveLength(5);
    });

    it.each([400, 403, 404, 501])('%i is not tried again', async (status) => {
      proxy.script(onBlob({ kind: 'status', status }, { times: Infinity }));
      expect(await failure(download())).toMatchObject({ fields: { status } });
      expect(blobRequests()).toHaveLength(1);
    });
  });

  describe('silence', () => {
    it('instead of an answer is tried again', async () => {
      proxy.script(onBlob({ kind: 'silence' }));
      await download();
    });

    it('for ever ends with a name', async () => {
      client.close();
      client = makeClient({ retry: { attempts: 2, baseMilliseconds: 1, maxMilliseconds: 1 } });
      proxy.script(onBlob({ kind: 'silence' }, { times: Infinity }));
      const error = await failure(download());
      expect(error).toMatchObject({ code: 'REGISTRY_TIMEOUT' });
      expect(error.message).toMatch(/sent nothing of use for 300 ms/);
    });

    it('is what a trickle amounts to (slow loris)', async () => {
      client.close();
      client = makeClient({ retry: { attempts: 1, baseMilliseconds: 1, maxMilliseconds: 1 } });
      proxy.script(onBlob({ kind: 'trickle', bytes: 1, everyMilliseconds: 30 }));
      const started = performance.now();
      expect(await failure(download())).toMatchObject({ code: 'REGISTRY_TIMEOUT' });
      expect(performance.now() - started).toBeLessThan(3000);
    });

    it('of the reader is not held against the registry', async () => {
      const parts: Uint8Array[] = [];
      for await (const part of client.blob(app, descriptor)) {
        if (parts.length === 1) await new Promise((resolve) => setTimeout(resolve, 3 * IDLE));
        parts.push(part);
      }
      expect(Buffer.concat(parts).equals(blob)).toBe(true);
      expect(blobRequests()).toHaveLength(1);
    });

    it('ends at once with an abort', async () => {
      client.close();
      client = makeClient({ idleMilliseconds: 60_000 });
      proxy.script(onBlob({ kind: 'silence' }));
      const reason = new Error('no more');
      const abort = new AbortController();
      setTimeout(() => abort.abort(reason), 50);
      const started = performance.now();
      await expect(readAll(client.blob(app, descriptor, abort.signal))).rejects.toBe(reason);
      expect(performance.now() - started).toBeLessThan(2000);
    });

    it('ends at once with close()', async () => {
      client.close();
      client = makeClient({ idleMilliseconds: 60_000 });
      proxy.script(onBlob({ kind: 'silence' }, { times: Infinity }));
      setTimeout(() => client.close(), 50);
      expect(await failure(download())).toMatchObject({ code: 'REGISTRY_INTERRUPTED' });
    });
  });

  describe('an upload', () => {
    let count = 0;
    let fresh: { bytes: Buffer; descriptor: Descriptor };
    beforeEach(() => {
      const bytes = someBytes(300_000, `upload ${count++}`);
      fresh = { bytes, descriptor: describeBytes(bytes) };
    });

    /** Pushes, and reads back past the proxy. */
    async function upload(chunkBytes = 100_000): Promise<string> {
      const outcome = await client.pushBlob(app, fresh.descriptor, sourceOf(fresh.bytes, 33_333), { chunkBytes });
      const direct = parseReference(`${registry.host}/app:1`);
      const back = await readAll(client.blob(direct, fresh.descriptor));
      expect(createHash('sha256').update(back).digest('hex')).toBe(fresh.descriptor.digest.slice(7));
      return outcome;
    }
    const writes = (): string[] => proxy.seen.map(({ method }) => method).filter((method) => method !== 'HEAD');

    it('is sent in chunks', async () => {
      expect(await upload()).toBe('uploaded');
      expect(writes()).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH', 'PUT'].toSpliced(0, 0, ...probe()));
      expect(
        proxy.seen.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']),
      ).toEqual(['0-99999', '100000-199999', '200000-299999']);
    });

    /** The question how the host is reached, which a new client asks first. */
    function probe(): string[] {
      return proxy.seen[0]?.url === '/v2/' ? ['GET'] : [];
    }

    for (const method of ['POST', 'PATCH', 'PUT']) {
      for (const status of [500, 503, 429]) {
        it(`goes on after ${status} to ${method}`, async () => {
          proxy.script({ method, fault: { kind: 'status', status } });
          expect(await upload()).toBe('uploaded');
          expect(proxy.pending).toBe(0);
        });
      }

      it(`goes on after a reset instead of an answer to ${method}`, async () => {
        proxy.script({ method, fault: { kind: 'reset' } });
        expect(await upload()).toBe('uploaded');
        expect(proxy.pending).toBe(0);
      });

      it(`goes on when the answer to ${method} was lost`, async () => {
        proxy.script({ method, fault: { kind: 'lose-answer' } });
        expect(await upload()).toBe('uploaded');
        expect(proxy.pending).toBe(0);
      });
    }

    it.each([0, 1, 50_000, 99_999])('goes on when the second chunk is cut after %i bytes', async (after) => {
      proxy.script({ method: 'PATCH', skip: 1, fault: { kind: 'drop-request', after } });
      expect(await upload()).toBe('uploaded');
      expect(proxy.pending).toBe(0);
    });

    it.each([0, 1, 150_000, 299_999])('in one piece begins anew when cut after %i bytes', async (after) => {
      proxy.script({ method: 'PUT', fault: { kind: 'drop-request', after } });
      expect(await upload(1_000_000)).toBe('uploaded');
      expect(proxy.pending).toBe(0);
    });

    it('asks how far the registry got, and sends the rest only', async () => {
      proxy.script({ method: 'PATCH', skip: 1, fault: { kind: 'status', status: 503 } });
      await upload();
      expect(proxy.seen.filter(({ method, url }) => method === 'GET' && url.includes('/uploads/'))).toHaveLength(1);
      expect(writes().filter((method) => method === 'PATCH')).toHaveLength(4);
      expect(writes().filter((method) => method === 'POST')).toHaveLength(1);
    });

    it('begins anew when the registry has forgotten it', async () => {
      proxy.script(
        { method: 'PATCH', skip: 2, fault: { kind: 'reset' } },
        { method: 'GET', path: /\/uploads\//, fault: { kind: 'status', status: 404 } },
      );
      expect(await upload()).toBe('uploaded');
      expect(writes().filter((method) => method === 'POST')).toHaveLength(2);
    });

    it('begins anew when the registry forgets it between chunks', async () => {
      const body = JSON.stringify({ errors: [{ code: 'BLOB_UPLOAD_UNKNOWN' }] });
      proxy.script({ method: 'PATCH', skip: 1, fault: { kind: 'status', status: 404, body } });
      expect(await upload()).toBe('uploaded');
      expect(writes().filter((method) => method === 'POST')).toHaveLength(2);
    });

    it.each([404, 405, 416])('goes in one piece where the registry answers %i to chunks', async (status) => {
      proxy.script({ method: 'PATCH', times: Infinity, fault: { kind: 'status', status } });
      expect(await upload()).toBe('uploaded');
      expect(writes().filter((method) => method === 'PATCH')).toHaveLength(1);
    });

    it('sends larger chunks where the registry wants them', async () => {
      proxy.script({ method: 'POST', fault: { kind: 'headers', headers: { 'oci-chunk-min-length': '200000' } } });
      await upload();
      expect(writes().filter((method) => method === 'PATCH')).toHaveLength(2);
    });

    it('takes a Location that is relative', async () => {
      const relative = { kind: 'relative-location' } as const;
      proxy.script({ method: 'POST', fault: relative }, { method: 'PATCH', times: 3, fault: relative });
      expect(await upload()).toBe('uploaded');
    });

    it('ends after five failures with what went wrong', async () => {
      proxy.script({ method: 'PATCH', times: Infinity, fault: { kind: 'status', status: 503 } });
      expect(await failure(upload())).toMatchObject({ code: 'REGISTRY_ERROR', fields: { status: 503 } });
    });

    it('that the registry refuses is not repeated', async () => {
      proxy.script({ method: 'PUT', times: Infinity, fault: { kind: 'status', status: 403 } });
      expect(await failure(upload())).toMatchObject({ code: 'REGISTRY_DENIED' });
      expect(writes().filter((method) => method === 'PUT')).toHaveLength(1);
    });

    it('of a manifest is repeated', async () => {
      proxy.script({ method: 'PUT', times: 2, fault: { kind: 'lose-answer' } });
      await client.pushManifest(parseReference(`${proxy.host}/app:2`), manifestDescriptor, manifest);
      expect(await client.resolve(parseReference(`${proxy.host}/app:2`))).toEqual(manifestDescriptor);
    });
  });

  describe('a mirror', () => {
    const viaMirror = async (mirrors: readonly string[]): Promise<void> => {
      client.close();
      client = makeClient({ mirrors: { [registry.host]: mirrors } });
      const direct = parseReference(`${registry.host}/app:1`);
      expect((await client.manifest(direct)).descriptor).toEqual(manifestDescriptor);
      expect((await readAll(client.blob(direct, descriptor))).equals(blob)).toBe(true);
    };

    it('is asked first', async () => {
      await viaMirror([proxy.host]);
      expect(proxy.seen.map(({ url }) => url)).toContain(`/v2/app/blobs/${descriptor.digest}`);
    });

    it.each([
      ['without the image', { kind: 'status', status: 404 }],
      ['that denies', { kind: 'status', status: 403 }],
      ['that is broken', { kind: 'status', status: 500 }],
      ['that hangs up', { kind: 'reset' }],
    ] as [string, Fault][])('%s is passed over', async (_, fault) => {
      proxy.script({ path: /app/, times: Infinity, fault });
      await viaMirror([proxy.host]);
    });

    it('that breaks off half-way is carried on by the registry', async () => {
      proxy.script(onBlob({ kind: 'drop', after: 1000 }), onBlob({ kind: 'status', status: 404 }, { times: Infinity }));
      await viaMirror([proxy.host]);
    });

    it('that is not there is asked once', async () => {
      await viaMirror(['127.0.0.1:1']);
      expect(clock.slept).toEqual([]);
    });

    it('is named when nobody has the image', async () => {
      client.close();
      client = makeClient({ mirrors: { [registry.host]: ['127.0.0.1:1'] } });
      const error = await failure(client.manifest(parseReference(`${registry.host}/none:1`)));
      expect(error).toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
      expect(error.message).toMatch(
        /its mirror 127\.0\.0\.1:1: cannot reach 127\.0\.0\.1:1: the connection was refused/,
      );
    });
  });
});
