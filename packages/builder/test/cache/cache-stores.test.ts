import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Digest } from '@tsbuild/oci';
import { DirectoryCacheStore } from '../../src/cache/directory-cache-store.ts';
import { MemoryCacheStore } from '../../src/cache/memory-cache-store.ts';
import { cacheStoreContract, recordOf } from '../../testing/cache-store-contract.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'tsbuild-cache-'));
const always = async (): Promise<boolean> => true;
const isText = (output: unknown): output is string => typeof output === 'string';

const ID = sha256Digest('base');
const ORIGIN = {
  stage: 'stage-0',
  source: 'RUN true',
  name: 'RUN true',
  arguments: ['A'],
  expanded: { A: 'b' },
  base: { name: 'busybox', id: ID },
  above: [{ id: '1', source: 'COPY a b', name: 'COPY a b', layer: ID }],
};

cacheStoreContract('MemoryCacheStore', async () => new MemoryCacheStore());
cacheStoreContract('DirectoryCacheStore', async () => new DirectoryCacheStore(await folder(), isText, always));

describe('DirectoryCacheStore', () => {
  it('takes a record whose output is gone for a miss', async () => {
    let present = true;
    const store = new DirectoryCacheStore<string>(await folder(), isText, async () => present);
    await store.put(recordOf('a', 'layer'));
    expect(await store.get(recordOf('a', '').key)).toBeDefined();
    present = false;
    expect(await store.get(recordOf('a', '').key)).toBeUndefined();
  });

  it('takes a damaged or misplaced record for a miss', async () => {
    const root = await folder();
    const store = new DirectoryCacheStore<string>(root, isText, always);
    const record = recordOf('a', 'layer');
    await store.put(record);
    const [shard] = (await readdir(root)).filter((name) => name.length === 2);
    const path = join(root, shard ?? '', `${record.key.slice(7)}.json`);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"run', '"rum').replace('\\"run', '\\"rum'));
    expect(await store.get(record.key)).toBeUndefined();
    await writeFile(path, text.slice(0, 20));
    expect(await store.get(record.key)).toBeUndefined();
  });

  it('takes one in which anything at all was changed for a miss', async () => {
    const root = await folder();
    const store = new DirectoryCacheStore<string>(root, isText, always);
    const record = { ...recordOf('a', 'layer'), origin: ORIGIN };
    await store.put(record);
    const path = join(root, record.key.slice(7, 9), `${record.key.slice(7)}.json`);
    const text = await readFile(path, 'utf8');
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === '1' ? '2' : '1';
      await writeFile(path, text.slice(0, at) + other + text.slice(at + 1));
      expect(await store.get(record.key), text.slice(Math.max(0, at - 20), at + 20)).toBeUndefined();
    }
    await writeFile(path, text);
    expect(await store.get(record.key)).toEqual(record);
  });

  it('reads a record without a checksum, of an earlier version, only where each member is what it must be', async () => {
    const root = await folder();
    const store = new DirectoryCacheStore<string>(root, isText, always);
    const record = { ...recordOf('a', 'layer'), origin: ORIGIN };
    await store.put(record);
    const path = join(root, record.key.slice(7, 9), `${record.key.slice(7)}.json`);
    const { checksum: _seal, ...sealed } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    const old = { ...sealed, version: 1 };
    const readAs = async (more: object): Promise<unknown> => {
      await writeFile(path, JSON.stringify({ ...old, ...more }));
      return store.get(record.key);
    };
    expect(await readAs({})).toEqual(record);
    for (const more of [
      { version: 2 },
      { output: null },
      { output: {} },
      { created: 'x' },
      { created: 1e300 },
      { created: undefined },
      { milliseconds: null },
      { origin: 5 },
      { origin: null },
      { origin: {} },
      { origin: { ...ORIGIN, above: [null] } },
      { origin: { ...ORIGIN, base: { name: 'x' } } },
    ]) {
      expect(await readAs(more), JSON.stringify(more)).toBeUndefined();
    }
    await writeFile(path, 'null');
    expect(await store.get(record.key)).toBeUndefined();
  });

  it('keeps the listings behind input ids', async () => {
    const store = new DirectoryCacheStore<string>(await folder(), isText, always);
    const listing = 'file 0644 0:0 abc a.txt\n';
    const id = sha256Digest(listing);
    const record = recordOf('a', 'layer');
    await store.put({ ...record, preimage: { ...record.preimage, inputs: [{ name: 'files', id, listing }] } });
    expect(await store.listing(id)).toBe(listing);
  });

  it('lists the outputs of all records', async () => {
    const store = new DirectoryCacheStore<string>(await folder(), isText, always);
    for (const name of ['a', 'b', 'c']) await store.put(recordOf(name, `layer-${name}`));
    const outputs: string[] = [];
    for await (const { record } of store.all()) outputs.push(record.output);
    expect(outputs.toSorted()).toEqual(['layer-a', 'layer-b', 'layer-c']);
  });
});
