import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { sha256Digest } from '../../src/spec/digest.ts';
import type { Digest } from '../../src/spec/digest.ts';
import { manifestFor, manifestsBehind } from '../../src/layout/read-image.ts';
import type { DocumentSource } from '../../src/layout/read-image.ts';
import { MediaType } from '../../src/spec/media-type.ts';

/** Documents in memory, and how often they are read. */
class Documents implements DocumentSource {
  readonly #documents = new Map<Digest, Uint8Array>();
  reads = 0;

  add(mediaType: string, document: object): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = sha256Digest(bytes);
    this.#documents.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  index(manifests: readonly Descriptor[]): Descriptor {
    return this.add(MediaType.ociIndex, { schemaVersion: 2, manifests });
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#documents.has(digest);
  }

  async read({ digest }: Descriptor): Promise<Uint8Array> {
    this.reads++;
    return this.#documents.get(digest) ?? new Uint8Array();
  }
}

describe('the manifests behind an index', () => {
  const amd64 = { os: 'linux', architecture: 'amd64' };

  it('keeps an image that stands for two platforms', async () => {
    const documents = new Documents();
    const manifest = documents.add(MediaType.ociManifest, {});
    const arm = { ...manifest, platform: { os: 'linux', architecture: 'arm' } };
    const index = documents.index([arm, { ...manifest, platform: amd64 }]);
    expect(await manifestsBehind(documents, index)).toHaveLength(2);
    expect((await manifestFor(documents, index, amd64)).platform).toEqual(amd64);
  });

  it('reads each document once, however often it is named: three indexes can hold a billion ways', async () => {
    const documents = new Documents();
    let entry = documents.add(MediaType.ociManifest, {});
    for (let depth = 0; depth < 3; depth++) entry = documents.index(Array.from({ length: 1000 }, () => entry));
    expect(await manifestsBehind(documents, entry)).toHaveLength(1000);
    expect(documents.reads).toBe(4);
  });
});
