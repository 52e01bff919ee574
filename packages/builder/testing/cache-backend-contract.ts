import type { Digest } from '@tsbuild/oci';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CacheBackend, RecordToPut } from '../src/shared-cache/backend/cache-backend.ts';
import { digestOfAll, sampleBlob, sampleRecord } from './shared-records.ts';

/** A place of one kind, empty at first, and what happens to it behind its builders' backs. */
export interface CachePlace extends AsyncDisposable {
  /** Another builder's view of it. */
  open(): Promise<CacheBackend>;
  /** Changes the stored bytes of a blob, not their number. */
  damage(digest: Digest): Promise<void>;
  /** Takes a stored blob away. */
  lose(digest: Digest): Promise<void>;
  /** From now on it does not answer, or with nonsense. */
  breakDown(): Promise<void>;
  /** Puts somebody else's content where the hints lie. */
  putForeign?(): Promise<{ readonly what: string; isIntact(): Promise<boolean> }>;
  /** As {@link open}, of a builder that may only read. */
  openReader?(): Promise<CacheBackend>;
  /** The indexes of layers are kept with the hints: where a request costs something. */
  readonly keepsIndexes?: true;
}

/** In what a place differs from the others. */
export interface CachePlaceTraits {
  /** There is no truth but the hints: records can be read once those are written. */
  readonly recordsLieInHints?: boolean;
  /** It cannot remove records. */
  readonly keepsRecords?: boolean;
}

const MEGABYTE = 1024 * 1024;

/** The contract of {@link CacheBackend}; `factory` makes an empty place. */
export function cacheBackendContract(
  name: string,
  factory: () => Promise<CachePlace>,
  { recordsLieInHints = false, keepsRecords = false }: CachePlaceTraits = {},
): void {
  describe(`${name} keeps the contract of CacheBackend`, () => {
    let place: CachePlace;
    let open: CacheBackend[] = [];
    const { signal } = new AbortController();
    beforeEach(async () => {
      place = await factory();
    });
    afterEach(async () => {
      for (const backend of open) await backend[Symbol.asyncDispose]();
      open = [];
      await place[Symbol.asyncDispose]();
    });

    const builder = async (): Promise<CacheBackend> => {
      const backend = await place.open();
      open.push(backend);
      return backend;
    };
    const put = async (backend: CacheBackend, ...records: readonly RecordToPut[]): Promise<void> => {
      for (const record of records) await backend.put(record, signal);
      if (recordsLieInHints) await backend.putHints(records, signal);
    };
    const found = async ({ key }: RecordToPut): Promise<string | undefined> => (await builder()).find(key, signal);
    const failing = (record: RecordToPut, fail: () => Promise<void>): RecordToPut => ({
      ...record,
      blobs: record.blobs.map((blob) => ({
        ...blob,
        open: async function* () {
          for await (const chunk of blob.open()) {
            await fail();
            yield chunk;
          }
        },
      })),
    });

    it('has names without secrets', async () => {
      const { name: shown, spec, scope } = await builder();
      expect(shown).not.toBe('');
      expect(spec).toMatch(/^type=/);
      expect(scope).not.toBe('');
      expect(`${shown} ${spec} ${scope}`).not.toMatch(/secret/i);
    });

    it('misses what was never put', async () => {
      expect(await found(sampleRecord('a'))).toBeUndefined();
    });

    it('gives others what one put', async () => {
      const [a, b] = [sampleRecord('a', sampleBlob('layer-a')), sampleRecord('b')];
      await put(await builder(), a, b);
      expect(await found(a)).toBe(a.text);
      expect(await found(b)).toBe(b.text);
      expect(await found(sampleRecord('c'))).toBeUndefined();
    });

    it('gives the writer what it put', async () => {
      const backend = await builder();
      const a = sampleRecord('a', sampleBlob('layer-a'));
      expect(await backend.find(a.key, signal)).toBeUndefined();
      await put(backend, a);
      expect(await backend.find(a.key, signal)).toBe(a.text);
    });

    it('replaces the record of a key, also of another builder', async () => {
      const first = await builder();
      await put(first, sampleRecord('a', sampleBlob('old'), 1));
      await put(first, sampleRecord('a', sampleBlob('new'), 2));
      expect(await found(sampleRecord('a'))).toBe(sampleRecord('a', sampleBlob('new'), 2).text);
      const second = await builder();
      await put(second, sampleRecord('a', sampleBlob('newest'), 3));
      expect(await found(sampleRecord('a'))).toBe(sampleRecord('a', sampleBlob('newest'), 3).text);
    });

    it('takes the same record again, without its bytes', async () => {
      const layer = sampleBlob('layer-a');
      await put(await builder(), sampleRecord('a', layer));
      const again = sampleBlob('layer-a');
      await put(await builder(), sampleRecord('a', again), sampleRecord('b', again));
      expect([layer.opened(), again.opened()]).toEqual([1, 0]);
      expect(await found(sampleRecord('a'))).toBe(sampleRecord('a', layer).text);
    });

    it('survives writers of one key at once', async () => {
      const texts = await Promise.all(
        Array.from({ length: 5 }, async (_, index) => {
          const record = sampleRecord('a', sampleBlob(`layer-${index}`), index);
          await put(await builder(), record);
          return record.text;
        }),
      );
      expect(texts).toContain(await found(sampleRecord('a')));
    });

    it.each([
      ['small', 100],
      ['large', 3 * MEGABYTE],
    ])('gives the bytes of a %s blob', async (_, size) => {
      const layer = sampleBlob('layer-a', size);
      await put(await builder(), sampleRecord('a', layer));
      expect(await digestOfAll((await builder()).open(layer.blob, signal))).toBe(layer.blob.digest);
    });

    it.each([
      ['small', 100],
      ['large', 3 * MEGABYTE],
    ])('finds out that a %s blob is damaged', async (_, size) => {
      const layer = sampleBlob('layer-a', size);
      await put(await builder(), sampleRecord('a', layer));
      await place.damage(layer.blob.digest);
      await expect(digestOfAll((await builder()).open(layer.blob, signal))).rejects.toMatchObject({
        code: 'BLOB_CORRUPT',
      });
    });

    it('finds out that a blob is longer or shorter than a record says', async () => {
      const layer = sampleBlob('layer-a');
      await put(await builder(), sampleRecord('a', layer));
      for (const size of [layer.blob.size - 1, layer.blob.size + 1]) {
        const reading = digestOfAll((await builder()).open({ ...layer.blob, size }, signal));
        await expect(reading).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
      }
    });

    it('says that a blob is gone, and stores it again', async () => {
      const layer = sampleBlob('layer-a');
      await put(await builder(), sampleRecord('a', layer));
      await place.lose(layer.blob.digest);
      const reading = digestOfAll((await builder()).open(layer.blob, signal));
      await expect(reading).rejects.toMatchObject({ code: expect.stringMatching(/NOT_FOUND$/) });
      await put(await builder(), sampleRecord('a', layer, 2));
      expect(await digestOfAll((await builder()).open(layer.blob, signal))).toBe(layer.blob.digest);
    });

    it('has no record whose blobs could not be stored', async () => {
      const record = sampleRecord('a', sampleBlob('layer-a', 3 * MEGABYTE));
      const backend = await builder();
      const broken = failing(record, () => Promise.reject(new Error('the disk is on fire')));
      await expect(put(backend, broken)).rejects.toBeInstanceOf(Error);
      expect(await found(record)).toBeUndefined();
      await put(backend, record);
      expect(await found(record)).toBe(record.text);
    });

    it('has no record whose blobs were other bytes', async () => {
      const record = sampleRecord('a', sampleBlob('layer-a', 2 * MEGABYTE));
      const other = sampleBlob('layer-b', 2 * MEGABYTE);
      const lying = { ...record, blobs: record.blobs.map((blob) => ({ ...blob, open: other.open })) };
      await expect(put(await builder(), lying)).rejects.toBeInstanceOf(Error);
      expect(await found(record)).toBeUndefined();
    });

    it('has nothing hinted at first', async () => {
      expect(await (await builder()).hints(signal)).toEqual({ kind: 'nothing' });
    });

    it('keeps hints in their order, and replaces them', async () => {
      const records = ['a', 'b', 'c'].map((step) => sampleRecord(step, sampleBlob(`layer-${step}`)));
      const [a, b, c] = records;
      if (a === undefined || b === undefined || c === undefined) throw new Error('there are three');
      const backend = await builder();
      await put(backend, a, b);
      await backend.putHints([b, a], signal);
      expect(await (await builder()).hints(signal)).toEqual({ kind: 'hints', texts: [b.text, a.text] });
      const other = await builder();
      await put(other, c);
      await other.putHints([c, b], signal);
      expect(await (await builder()).hints(signal)).toEqual({ kind: 'hints', texts: [c.text, b.text] });
    });

    it('keeps the indexes of layers with the hints, where requests cost something', async () => {
      const record = sampleRecord('a', sampleBlob('layer-a'));
      const backend = await builder();
      await put(backend, record);
      const indexes = sampleBlob('indexes', 3000);
      await backend.putHints([record], signal, indexes);
      const reader = await builder();
      const hints = await reader.hints(signal);
      const pack = hints.kind === 'hints' ? hints.pack : undefined;
      const read = pack === undefined ? undefined : await digestOfAll(reader.open(pack, signal));
      const { digest, size } = indexes.blob;
      expect([read, pack?.size]).toEqual(place.keepsIndexes === true ? [digest, size] : [undefined, undefined]);
      // A build that has none leaves none.
      await backend.putHints([record], signal);
      expect(await (await builder()).hints(signal)).toEqual({ kind: 'hints', texts: [record.text] });
    });

    it('lists what there is', async () => {
      const [a, b] = [sampleRecord('a', sampleBlob('layer-a')), sampleRecord('b')];
      await put(await builder(), a, b);
      const listed = new Map<Digest, string>();
      for await (const { key, text, size } of (await builder()).list(signal)) {
        listed.set(key, text);
        expect(size).toBeGreaterThanOrEqual(0);
      }
      expect(listed).toEqual(new Map([a, b].map(({ key, text }) => [key, text])));
    });

    it.skipIf(keepsRecords)('removes a record and no other', async () => {
      const layer = sampleBlob('shared');
      const [a, b] = [sampleRecord('a', layer), sampleRecord('b', layer)];
      const backend = await builder();
      await put(backend, a, b);
      await backend.remove(a.key, signal);
      expect(await found(a)).toBeUndefined();
      expect(await found(b)).toBe(b.text);
      expect(await digestOfAll((await builder()).open(layer.blob, signal))).toBe(layer.blob.digest);
    });

    it.runIf(keepsRecords)('says that it cannot remove records', async () => {
      const a = sampleRecord('a');
      await put(await builder(), a);
      await expect((await builder()).remove(a.key, signal)).rejects.toMatchObject({ name: 'OciError' });
    });

    it('stops with the reason of its signal', async () => {
      const reason = new Error('enough');
      const aborted = AbortSignal.abort(reason);
      const backend = await builder();
      const a = sampleRecord('a', sampleBlob('layer-a'));
      await expect(backend.find(a.key, aborted)).rejects.toBe(reason);
      await expect(backend.hints(aborted)).rejects.toBe(reason);
      await expect(digestOfAll(backend.open(sampleBlob('layer-a').blob, aborted))).rejects.toBe(reason);
      await expect(backend.put(a, aborted)).rejects.toBe(reason);
      await expect(backend.putHints([a], aborted)).rejects.toBe(reason);
      expect(await found(a)).toBeUndefined();
    });

    it('stops in the middle of a blob', async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const backend = await builder();
      const record = sampleRecord('a', sampleBlob('layer-a', 3 * MEGABYTE));
      const slow = failing(record, async () => controller.abort(reason));
      await expect(backend.put(slow, controller.signal)).rejects.toBe(reason);
      expect(await found(record)).toBeUndefined();
    });

    it('never takes a failure for a miss', async () => {
      const a = sampleRecord('a', sampleBlob('layer-a'));
      await put(await builder(), a);
      await place.breakDown();
      const backend = await builder();
      await expect(backend.find(sampleRecord('b').key, signal)).rejects.toBeInstanceOf(Error);
      await expect(backend.hints(signal)).rejects.toBeInstanceOf(Error);
    });

    it("never overwrites somebody else's content", async (context) => {
      if (place.putForeign === undefined) context.skip();
      const foreign = await place.putForeign?.();
      expect(await (await builder()).hints(signal)).toEqual({ kind: 'foreign', what: foreign?.what });
      const backend = await builder();
      const a = sampleRecord('a', sampleBlob('layer-a'));
      await put(backend, a);
      await backend.putHints([a], signal).catch(() => undefined);
      expect(await foreign?.isIntact()).toBe(true);
      expect(await found(a)).toBe(a.text);
    });

    it('says that this builder may only read', async (context) => {
      const a = sampleRecord('a', sampleBlob('layer-a'));
      await put(await builder(), a);
      const reader = await place.openReader?.();
      if (reader === undefined) return context.skip();
      open.push(reader);
      expect(await reader.find(a.key, signal)).toBe(a.text);
      await expect(put(reader, sampleRecord('b', sampleBlob('layer-b')))).rejects.toMatchObject({
        code: 'REGISTRY_DENIED',
      });
    });
  });
}
