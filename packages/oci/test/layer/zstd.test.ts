import { execFileSync } from 'node:child_process';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompress } from '../../src/compression/compression.ts';
import { unzstd, zstdLayer } from '../../src/compression/zstd.ts';
import type { ZstdEngine } from '../../src/compression/zstd.ts';
import { chunked } from '../../testing/make-tar.ts';

const hasProgram = ((): boolean => {
  try {
    execFileSync('zstd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const hasNode = 'createZstdDecompress' in zlib;
const data = Buffer.from('It is the same all the time. '.repeat(100_000));

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const piece of source) out.push(piece);
  return Buffer.concat(out);
}

describe.each<[ZstdEngine, boolean]>([
  ['node', hasNode],
  ['program', hasProgram],
])('zstd by %s', (engine, isThere) => {
  it.skipIf(!isThere)(`unpacks what it packed (needs zstd in ${engine})`, async () => {
    const packed = await all(zstdLayer(chunked(data, 10_000), {}, engine));
    expect(packed.length).toBeLessThan(data.length / 100);
    expect((await all(unzstd(chunked(packed, 7), engine))).equals(data)).toBe(true);
    const twice = Buffer.concat([packed, packed]);
    expect((await all(unzstd(chunked(twice), engine))).length).toBe(2 * data.length);
  });

  it.skipIf(!isThere)(`ignores what follows and is no frame (needs zstd in ${engine})`, async () => {
    const packed = await all(zstdLayer(chunked(data), {}, engine));
    const small = await all(zstdLayer(chunked(Buffer.from('small')), {}, engine));
    const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('abc')]);
    for (const rest of ['', 'junk', 'j', '\0'.repeat(4096)]) {
      for (const chunkSize of [1, 1000, 1e6]) {
        const bytes = Buffer.concat([small, skippable, packed, Buffer.from(rest)]);
        const unpacked = await all(unzstd(chunked(bytes, chunkSize), engine));
        expect(unpacked.equals(Buffer.concat([Buffer.from('small'), data]))).toBe(true);
      }
    }
  });

  it.skipIf(!isThere)(`refuses damaged and cut data (needs zstd in ${engine})`, async () => {
    const packed = await all(zstdLayer(chunked(data), {}, engine));
    const refused = { code: 'LAYER_INVALID' };
    await expect(all(unzstd(chunked(packed.subarray(0, -5)), engine))).rejects.toMatchObject(refused);
    const damaged = Buffer.from(packed);
    damaged[20] = (damaged[20] ?? 0) ^ 0xff;
    await expect(all(unzstd(chunked(damaged), engine))).rejects.toMatchObject(refused);
  });

  it.skipIf(!isThere)(`hands on the error of the source, and can be left early (needs zstd in ${engine})`, async () => {
    const packed = await all(zstdLayer(chunked(data), {}, engine));
    const failing = (async function* () {
      yield packed.subarray(0, 10);
      throw new Error('source broke');
    })();
    await expect(all(unzstd(failing, engine))).rejects.toThrow('source broke');
    for await (const _ of unzstd(chunked(packed), engine)) break;
  });
});

describe('decompress', () => {
  it.skipIf(!hasProgram && !hasNode)('knows zstd, with its limits (needs zstd)', async () => {
    const packed = await all(zstdLayer(chunked(data)));
    expect((await all(decompress(chunked(packed)))).equals(data)).toBe(true);
    await expect(all(decompress(chunked(packed), { maxBytes: 1000 }))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await expect(all(decompress(chunked(packed), { maxRatio: 10 }))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it.skipIf(hasNode)('says what to install where nothing knows zstd (needs a Node without zstd)', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      const read = all(decompress(chunked(Buffer.from('\x28\xb5\x2f\xfd\0\0\0\0', 'latin1'))));
      await expect(read).rejects.toMatchObject({ code: 'UNSUPPORTED', message: /install the program zstd/ });
    } finally {
      process.env['PATH'] = path;
    }
  });
});
