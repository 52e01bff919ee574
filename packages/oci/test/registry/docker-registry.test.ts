import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../testing/docker-registry.ts';
import type { DockerRegistry } from '../../testing/docker-registry.ts';
import { sha256Digest } from '../../src/spec/digest.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import type { Reference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions, TransferEvent } from '../../src/registry/options.ts';
import { describeBytes, failure, makeManifest, quietOptions, readAll, someBytes, sourceOf } from './content.ts';
import { pushImage } from './push-image.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const client = (options: RegistryOptions = {}): RegistryClient => {
  const made = new RegistryClient(quietOptions(options));
  open.push(made);
  return made;
};

describe.skipIf(SKIP_REGISTRY)(`against docker-registry${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let directory: string;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    directory = mkdtempSync(join(tmpdir(), 'registry-test-'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true, force: true });
    await registry.stop();
  });
  const named = (name: string): Reference => parseReference(`${registry.host}/${name}`);

  it('gives back what was stored', async () => {
    const c = client();
    const reference = named('me/app:1');
    const { descriptor, manifest, layer, layerDescriptor } = await pushImage(c, reference);
    expect(await c.resolve(reference)).toEqual(descriptor);
    const fetched = await c.manifest(reference);
    expect(fetched.descriptor).toEqual(descriptor);
    expect(Buffer.from(fetched.bytes)).toEqual(manifest);
    expect(await c.manifest(named(`me/app@${descriptor.digest}`))).toEqual(fetched);
    expect((await readAll(c.blob(reference, layerDescriptor))).equals(layer)).toBe(true);
    expect(await c.hasBlob(reference, layerDescriptor.digest)).toBe(true);
    expect(await c.hasBlob(named('me/else'), layerDescriptor.digest)).toBe(false);
  });

  it('takes large blobs in chunks, and tells how far it is', async () => {
    const events: TransferEvent[] = [];
    const c = client({ onProgress: (event) => events.push(event) });
    const bytes = someBytes(1_000_001);
    const descriptor = describeBytes(bytes);
    expect(await c.pushBlob(named('chunks'), descriptor, sourceOf(bytes, 7777), { chunkBytes: 100_000 })).toBe(
      'uploaded',
    );
    expect(events.at(-1)).toEqual({
      kind: 'upload',
      digest: descriptor.digest,
      transferred: bytes.length,
      total: bytes.length,
      done: true,
    });
    expect(events.map(({ transferred }) => transferred)).toEqual(
      events.map(({ transferred }) => transferred).toSorted((a, b) => a - b),
    );
    expect(events.length).toBeGreaterThan(10);
    events.length = 0;
    expect((await readAll(c.blob(named('chunks'), descriptor))).equals(bytes)).toBe(true);
    expect(events.at(-1)).toMatchObject({ kind: 'download', transferred: bytes.length, done: true });
    expect(events.filter(({ done }) => done)).toHaveLength(1);
  });

  it('takes blobs of any size around a chunk', async () => {
    const c = client();
    for (const size of [0, 1, 2, 999, 1000, 1001, 2000, 2001]) {
      const bytes = someBytes(size, `size ${size}`);
      const descriptor = describeBytes(bytes);
      expect(await c.pushBlob(named('sizes'), descriptor, sourceOf(bytes, 300), { chunkBytes: 1000 })).toMatch(
        /uploaded|exists/,
      );
      expect((await readAll(c.blob(named('sizes'), descriptor))).equals(bytes)).toBe(true);
    }
  });

  it('sends nothing twice, and mounts from another repository', async () => {
    const c = client();
    const bytes = someBytes(5000, 'mounted');
    const descriptor = describeBytes(bytes);
    const never = (): never => {
      throw new Error('the source was opened');
    };
    expect(await c.pushBlob(named('from'), descriptor, sourceOf(bytes))).toBe('uploaded');
    expect(await c.pushBlob(named('from'), descriptor, never)).toBe('exists');
    expect(await c.pushBlob(named('to'), descriptor, never, { mountFrom: 'from' })).toBe('mounted');
    expect(await c.pushBlob(named('third'), descriptor, sourceOf(bytes), { mountFrom: 'not/there' })).toBe('uploaded');
  });

  it('is not sent a blob that is not what its descriptor says', async () => {
    const c = client();
    const bytes = someBytes(5000, 'false');
    const descriptor = { ...describeBytes(bytes), digest: sha256Digest('something else') };
    for (const chunkBytes of [1000, 10_000]) {
      const error = await failure(c.pushBlob(named('false'), descriptor, sourceOf(bytes), { chunkBytes }));
      expect(error).toMatchObject({ code: 'BLOB_CORRUPT' });
      for (const size of [4999, 5001]) {
        const work = c.pushBlob(named('false'), { ...describeBytes(bytes), size }, sourceOf(bytes), { chunkBytes });
        expect(await failure(work)).toMatchObject({ code: 'BLOB_CORRUPT' });
      }
    }
    expect(await c.hasBlob(named('false'), descriptor.digest)).toBe(false);
  });

  it('ends an upload with the error of its source', async () => {
    const c = client();
    const descriptor = describeBytes(someBytes(5000, 'broken'));
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield someBytes(1000, 'broken');
      throw new Error('the disk is gone');
    };
    for (const chunkBytes of [500, 10_000]) {
      await expect(c.pushBlob(named('broken'), descriptor, broken, { chunkBytes })).rejects.toThrow('the disk is gone');
    }
  });

  it('lists tags', async () => {
    const c = client();
    const { descriptor, manifest } = await pushImage(c, named('many:a'));
    await c.pushManifest(named('many:b'), descriptor, manifest);
    const tags: string[] = [];
    for await (const tag of c.tags(named('many'))) tags.push(tag);
    expect(tags.toSorted()).toEqual(['a', 'b']);
    const error = await failure(readTags(c, named('no/such')));
    expect(error).toMatchObject({ code: 'REGISTRY_NOT_FOUND', fields: { registryCode: 'NAME_UNKNOWN' } });
  });

  async function readTags(c: RegistryClient, reference: Reference): Promise<void> {
    for await (const _ of c.tags(reference));
  }

  it('keeps referrers by their tag where the registry has no list', async () => {
    const c = client();
    const { descriptor: subject } = await pushImage(c, named('signed:1'));
    const empty = Buffer.from('{}');
    const config = describeBytes(empty, 'application/vnd.oci.empty.v1+json');
    await c.pushBlob(named('signed'), config, sourceOf(empty));
    expect(await c.referrers(named('signed:1'))).toEqual([]);
    const artifacts = ['application/x.signature', 'application/x.sbom'].map((artifactType) => {
      const bytes = makeManifest(config, [], { subject, artifactType, annotations: { of: artifactType } });
      return { bytes, artifactType, descriptor: describeBytes(bytes, MediaType.ociManifest) };
    });
    for (const { bytes, descriptor } of [...artifacts, ...artifacts]) {
      const { tag: _, ...untagged } = named('signed');
      await c.pushManifest({ ...untagged, digest: descriptor.digest }, descriptor, bytes);
    }
    const expected = artifacts.map(({ descriptor, artifactType }) => ({
      ...descriptor,
      artifactType,
      annotations: { of: artifactType },
    }));
    expect(await c.referrers(named('signed:1'))).toEqual(expected);
    expect(await c.referrers(named('signed:1'), 'application/x.sbom')).toEqual(expected.slice(1));
  });

  it('deletes by digest, and says when it cannot delete a tag alone', async () => {
    const c = client();
    const { descriptor } = await pushImage(c, named('gone:1'), 'gone');
    expect(await failure(c.delete(named('gone:1')))).toMatchObject({ code: 'UNSUPPORTED' });
    await c.delete(named(`gone@${descriptor.digest}`));
    expect(await failure(c.resolve(named('gone:1')))).toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      fields: { status: 404 },
    });
    expect(await failure(c.delete(named(`gone@${descriptor.digest}`)))).toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
  });

  it('stops at once when aborted, in every kind of work', async () => {
    const c = client();
    const bytes = someBytes(3_000_000, 'abort');
    const descriptor = describeBytes(bytes);
    await c.pushBlob(named('abort'), descriptor, sourceOf(bytes));
    const reason = new Error('changed my mind');
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _ of c.blob(named('abort'), descriptor, abort.signal)) abort.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    const uploading = new AbortController();
    const other = someBytes(3_000_000, 'abort upload');
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield other.subarray(0, 1000);
      uploading.abort(reason);
      yield other.subarray(1000);
    };
    await expect(c.pushBlob(named('abort'), describeBytes(other), source, { signal: uploading.signal })).rejects.toBe(
      reason,
    );
    await expect(c.resolve(named('abort'), AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(c.manifest(named('abort'), AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(c.delete(named('abort'), AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it.skipIf(findProgram('skopeo') === undefined)('agrees with skopeo both ways', async () => {
    const c = client();
    const { descriptor, layer } = await pushImage(c, named('ours:1'), 'skopeo');
    const layout = `oci:${directory}/layout:x`;
    const skopeo = (...args: string[]): string =>
      execFileSync('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    skopeo('copy', '--src-tls-verify=false', `docker://${registry.host}/ours:1`, layout);
    const inspected = JSON.parse(skopeo('inspect', '--tls-verify=false', `docker://${registry.host}/ours:1`)) as {
      Digest: string;
    };
    expect(inspected.Digest).toBe(descriptor.digest);
    skopeo('copy', '--dest-tls-verify=false', layout, `docker://${registry.host}/theirs:1`);
    const { descriptor: theirs, bytes } = await c.manifest(named('theirs:1'));
    const manifest = JSON.parse(Buffer.from(bytes).toString()) as { layers: (typeof theirs)[] };
    const [first] = manifest.layers;
    expect(first).toBeDefined();
    if (first === undefined) return;
    const stored = await readAll(c.blob(named('theirs:1'), first));
    // skopeo compresses what it pushes.
    const content = first.mediaType.endsWith('gzip') ? execFileSync('gzip', ['-dc'], { input: stored }) : stored;
    expect(Buffer.compare(content, layer)).toBe(0);
  });
});
