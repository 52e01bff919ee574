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

cacheStoreContract('MemoryCacheStore', async () => new MemoryCacheStore());
cacheStoreContract('DirectoryCacheStore', async () => new DirectoryCacheStore(await folder(), always));

describe('DirectoryCacheStore', () => {
  it('takes a record whose output is gone for a miss', async () => {
    let present = true;
    const store = new DirectoryCacheStore<string>(await folder(), async () => present);
    await store.put(recordOf('a', 'layer'));
    expect(await store.get(recordOf('a', '').key)).toBeDefined();
    present = false;
    expect(await store.get(recordOf('a', '').key)).toBeUndefined();
  });

  it('takes a damaged or misplaced record for a miss', async () => {
    const root = await folder();
    const store = new DirectoryCacheStore<string>(root, always);
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

  it('keeps the listings behind input ids', async () => {
    const store = new DirectoryCacheStore<string>(await folder(), always);
    const listing = 'file 0644 0:0 abc a.txt\n';
    const id = sha256Digest(listing);
    const record = recordOf('a', 'layer');
    await store.put({ ...record, preimage: { ...record.preimage, inputs: [{ name: 'files', id, listing }] } });
    expect(await store.listing(id)).toBe(listing);
  });

  it('lists the outputs of all records', async () => {
    const store = new DirectoryCacheStore<string>(await folder(), always);
    for (const name of ['a', 'b', 'c']) await store.put(recordOf(name, `layer-${name}`));
    const outputs: string[] = [];
    for await (const output of store.outputs()) outputs.push(output);
    expect(outputs.toSorted()).toEqual(['layer-a', 'layer-b', 'layer-c']);
  });
});
