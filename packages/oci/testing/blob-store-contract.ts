import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobStore } from '../src/blob/blob-store.ts';
import type { Digest } from '../src/spec/digest.ts';

/** What the contract needs of an implementation. */
export interface BlobStoreFixture {
  readonly store: BlobStore;
  /** Changes a stored blob's bytes behind the store's back; undefined when nothing can. */
  readonly damage?: (digest: Digest, bytes: Uint8Array) => Promise<void>;
}

/** The checks that every {@link BlobStore} must pass. `factory` makes an empty store for each of them. */
export function blobStoreContract(name: string, factory: () => Promise<BlobStoreFixture>): void {
  describe(`${name} keeps the contract of a blob store`, () => {
    it('put() stores bytes at their digest, and open() gives them back', async () => {
      const { store } = await factory();
      const info = await store.put(bytes('hello'));
      expect(info).toEqual({ digest: digestOf('hello'), size: 5 });
      expect(await text(store.open(info.digest))).toBe('hello');
    });

    it('put() takes a stream', async () => {
      const { store } = await factory();
      const info = await store.put(stream('he', '', 'llo'));
      expect(info).toEqual({ digest: digestOf('hello'), size: 5 });
    });

    it('put() takes empty content', async () => {
      const { store } = await factory();
      const info = await store.put(new Uint8Array());
      expect(info).toEqual({ digest: digestOf(''), size: 0 });
      expect(await text(store.open(info.digest))).toBe('');
    });

    it('put() of what is there already changes nothing', async () => {
      const { store } = await factory();
      const first = await store.put(bytes('twice'));
      expect(await store.put(stream('twice'))).toEqual(first);
      expect(await listed(store)).toEqual([first]);
    });

    it('put() stores a sha512 blob when that is what is expected', async () => {
      const { store } = await factory();
      const digest: Digest = `sha512:${createHash('sha512').update('x').digest('hex')}`;
      expect(await store.put(bytes('x'), { digest })).toEqual({ digest, size: 1 });
      expect(await text(store.open(digest))).toBe('x');
    });

    it.each([
      ['digest', { digest: digestOf('other') }],
      ['size', { size: 4 }],
    ])('put() refuses a wrong %s and stores nothing', async (_, expected) => {
      const { store } = await factory();
      await expect(store.put(bytes('hello'), expected)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
      await expect(store.put(stream('hello'), expected)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
      expect(await listed(store)).toEqual([]);
    });

    it('put() stores nothing of a stream that fails', async () => {
      const { store } = await factory();
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield bytes('half');
        throw new Error('the source broke');
      };
      await expect(store.put(failing())).rejects.toThrow('the source broke');
      expect(await listed(store)).toEqual([]);
    });

    it('create() gathers writes of any size, and lets the caller reuse its buffer', async () => {
      const { store } = await factory();
      const writer = await store.create();
      const hash = createHash('sha256');
      let size = 0;
      for (const length of [1, 0, 1024 * 1024 - 1, 3 * 1024 * 1024 + 7, 500_000, 700_000]) {
        const buffer = new Uint8Array(length).fill(length % 251);
        hash.update(buffer);
        size += length;
        writer.write(buffer);
        buffer.fill(0);
      }
      const digest: Digest = `sha256:${hash.digest('hex')}`;
      expect(await writer.commit()).toEqual({ digest, size });
      let read = 0;
      for await (const chunk of store.open(digest)) read += chunk.length;
      expect(read).toBe(size);
    });

    it('a writer shows nothing until commit(), and nothing after discard()', async () => {
      const { store } = await factory();
      const writer = await store.create();
      writer.write(bytes('hello'));
      expect(await listed(store)).toEqual([]);
      await writer.discard();
      expect(await store.has(digestOf('hello'))).toBeUndefined();
      expect(() => writer.write(bytes('x'))).toThrow(/ended/);
      await expect(writer.commit()).rejects.toThrow(/ended/);
    });

    it('discard() after commit() does nothing', async () => {
      const { store } = await factory();
      const writer = await store.create();
      writer.write(bytes('hello'));
      const info = await writer.commit();
      await writer.discard();
      expect(await store.has(info.digest)).toEqual(info);
    });

    it('a commit that fails its expectation stores nothing', async () => {
      const { store } = await factory();
      const writer = await store.create();
      writer.write(bytes('hello'));
      await expect(writer.commit({ digest: digestOf('other') })).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
      expect(await listed(store)).toEqual([]);
    });

    it('several writers of the same content all succeed', async () => {
      const { store } = await factory();
      const infos = await Promise.all(Array.from({ length: 8 }, () => store.put(stream('sa', 'me'))));
      expect(new Set(infos.map((info) => info.digest))).toEqual(new Set([digestOf('same')]));
      expect(await listed(store)).toHaveLength(1);
    });

    it('open() reads ranges', async () => {
      const { store } = await factory();
      const { digest } = await store.put(bytes('0123456789'));
      expect(await text(store.open(digest, { offset: 3, length: 4 }))).toBe('3456');
      expect(await text(store.open(digest, { offset: 7 }))).toBe('789');
      expect(await text(store.open(digest, { offset: 8, length: 100 }))).toBe('89');
      expect(await text(store.open(digest, { offset: 20 }))).toBe('');
    });

    it('openReader() reads at positions', async () => {
      const { store } = await factory();
      const { digest } = await store.put(bytes('0123456789'));
      const reader = store.openReader(digest);
      expect(reader.size).toBe(10);
      const buffer = new Uint8Array(4);
      expect(reader.read(buffer, 2)).toBe(4);
      expect(new TextDecoder().decode(buffer)).toBe('2345');
      expect(reader.read(buffer, 8)).toBe(2);
      expect(reader.read(buffer, 10)).toBe(0);
      reader.close();
      reader.close();
    });

    it('a missing blob is BLOB_NOT_FOUND, and deleting it is no error', async () => {
      const { store } = await factory();
      const digest = digestOf('never stored');
      expect(await store.has(digest)).toBeUndefined();
      await expect(text(store.open(digest))).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
      expect(() => store.openReader(digest)).toThrow(expect.objectContaining({ code: 'BLOB_NOT_FOUND' }));
      await store.delete(digest);
    });

    it('delete() removes', async () => {
      const { store } = await factory();
      const { digest } = await store.put(bytes('gone'));
      await store.delete(digest);
      expect(await store.has(digest)).toBeUndefined();
      expect(await listed(store)).toEqual([]);
    });

    it('list() gives every blob, by digest', async () => {
      const { store } = await factory();
      const infos = [await store.put(bytes('a')), await store.put(bytes('bb')), await store.put(bytes('ccc'))];
      expect(await listed(store)).toEqual(infos.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)));
    });

    it.each([0, 1, 1000, 1 << 20, (1 << 20) + 1, (5 << 20) + 77])(
      'open() lends each chunk of %i bytes until the second one after it',
      async (size) => {
        const { store } = await factory();
        const content = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 16)) % 251);
        const { digest } = await store.put(content);
        const hash = createHash('sha256');
        let before: Uint8Array | undefined;
        // A chunk is looked at when the next one has come already.
        for await (const chunk of store.open(digest, undefined, 'lent')) {
          if (before !== undefined) hash.update(before);
          before = chunk;
        }
        expect(`sha256:${hash.update(before ?? new Uint8Array()).digest('hex')}`).toBe(digest);
      },
    );

    it('open() fails at the end when a stored byte has changed or is missing', async () => {
      const { store, damage } = await factory();
      if (damage === undefined) return;
      const { digest } = await store.put(bytes('hello'));
      for (const wrong of ['hellO', 'hell', 'hello!', '']) {
        await damage(digest, bytes(wrong));
        await expect(text(store.open(digest))).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
        await expect(text(store.open(digest, undefined, 'lent'))).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
      }
    });
  });
}

const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

function digestOf(content: string): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

async function* stream(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield bytes(part);
}

async function text(source: AsyncIterable<Uint8Array>): Promise<string> {
  let out = '';
  for await (const chunk of source) out += new TextDecoder().decode(chunk);
  return out;
}

async function listed(store: BlobStore): Promise<readonly { digest: Digest; size: number }[]> {
  const out = [];
  for await (const info of store.list()) out.push(info);
  return out;
}
