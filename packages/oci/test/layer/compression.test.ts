import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompress, sniffCompression } from '../../src/compression/compression.ts';
import { chunked } from '../../testing/make-tar.ts';

const plain = Buffer.concat([randomBytes(300_000), Buffer.alloc(700_000, 'text ')]);
const gzip = gzipSync(plain);

async function all(bytes: Uint8Array, chunkSize?: number, options?: Parameters<typeof decompress>[1]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(chunked(bytes, chunkSize), options)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

it.each([
  ['none', 'hello world'],
  ['none', ''],
  ['none', '\x1f\x8b'],
  ['gzip', '\x1f\x8b\x08\0\0\0'],
  ['zstd', '\x28\xb5\x2f\xfd\0\0'],
  ['xz', '\xfd7zXZ\0'],
  ['bzip2', 'BZh91A'],
])('%s is told from %j', (compression, head) => {
  expect(sniffCompression(Buffer.from(head, 'latin1'))).toBe(compression);
});

describe('decompress', () => {
  it.each([1000, 65_536, 10_000_000])('gives the plain bytes, in chunks of %i', async (chunkSize) => {
    expect((await all(gzip, chunkSize)).equals(plain)).toBe(true);
    expect((await all(plain, chunkSize)).equals(plain)).toBe(true);
  });

  it.each([1, 3])('sniffs across chunks of %i', async (chunkSize) => {
    expect((await all(gzipSync('small'), chunkSize)).toString()).toBe('small');
    expect((await all(Buffer.from('small'), chunkSize)).toString()).toBe('small');
  });

  it('passes what is shorter than any mark', async () => {
    expect((await all(Buffer.from('a'))).toString()).toBe('a');
    expect(await all(Buffer.alloc(0))).toHaveLength(0);
  });

  it.each([7, 1_000_000])('takes several members, in chunks of %i', async (chunkSize) => {
    const members = Buffer.concat([gzipSync('one '), gzipSync(''), gzipSync('two')]);
    expect((await all(members, chunkSize)).toString()).toBe('one two');
  });

  it.each([
    ['garbage', Buffer.from('garbage')],
    ['zeros', Buffer.alloc(512)],
    ['many zeros', Buffer.alloc(400_000)],
    ['zeros and a member', Buffer.concat([Buffer.alloc(10), gzipSync('x')])],
    ['half a mark', Buffer.from([0x1f])],
  ])('ignores %s behind it, as gzip does', async (_, garbage) => {
    for (const chunkSize of [gzip.length, 1000, 10_000_000, gzip.length - 3]) {
      let taken = 0;
      const bytes = Buffer.concat([gzip, garbage]);
      const source = async function* () {
        for await (const chunk of chunked(bytes, chunkSize)) {
          taken += chunk.length;
          yield chunk;
        }
      };
      const read: Uint8Array[] = [];
      for await (const chunk of decompress(source())) read.push(Buffer.from(chunk));
      expect(Buffer.concat(read).equals(plain)).toBe(true);
      // Whoever takes a digest of the packed bytes sees all of them.
      expect(taken).toBe(bytes.length);
    }
  });

  it.each([
    ['a member that is cut', gzipSync('x').subarray(0, 15)],
    ['a mark alone', Buffer.from([0x1f, 0x8b])],
    ['an unknown method', Buffer.concat([Buffer.from([0x1f, 0x8b, 9]), Buffer.alloc(20)])],
    ['unknown flags', Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0xe0]), Buffer.alloc(20)])],
  ])('refuses %s behind it', async (_, damage) => {
    for (const chunkSize of [gzip.length, 1000, 10_000_000]) {
      const read = all(Buffer.concat([gzip, damage]), chunkSize);
      await expect(read).rejects.toMatchObject({ code: 'LAYER_INVALID', message: /damaged gzip data/ });
    }
  });

  it('takes hundreds of members, and zeros behind them', async () => {
    const members = Array.from({ length: 300 }, (_, i) => gzipSync(`member ${i} `));
    const expected = members.map((_, i) => `member ${i} `).join('');
    for (const chunkSize of [100, 10_000_000]) {
      expect((await all(Buffer.concat([...members, Buffer.alloc(600)]), chunkSize)).toString()).toBe(expected);
      const cut = all(Buffer.concat(members).subarray(0, -5), chunkSize);
      await expect(cut).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    }
  });

  it('passes over names, comments and other fields of a header', async () => {
    const fields = Buffer.concat([Buffer.from([3, 0, 1, 2, 3]), Buffer.from('name\0comment\0'), Buffer.from([7, 7])]);
    const packed = gzipSync('text');
    const head = Buffer.from(packed.subarray(0, 10));
    head[3] = 0x1e;
    for (const chunkSize of [1, 4, 1000]) {
      expect((await all(Buffer.concat([head, fields, packed.subarray(10)]), chunkSize)).toString()).toBe('text');
    }
  });

  it('refuses data that is cut short, wherever', async () => {
    for (const length of [3, 10, 500, gzip.length - 8, gzip.length - 1]) {
      await expect(all(gzip.subarray(0, length), 999)).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    }
  });

  it('refuses a wrong checksum', async () => {
    const damaged = Buffer.from(gzip);
    damaged[damaged.length - 6] = (damaged[damaged.length - 6] ?? 0) ^ 1;
    await expect(all(damaged)).rejects.toThrow(/damaged gzip data: incorrect data check/);
  });

  it.each(['\xfd7zXZ\0\0', 'BZh91AY&SY'])('refuses %j plainly', async (text) => {
    const source = chunked(Buffer.from(text, 'latin1'));
    const read = async () => {
      for await (const _ of decompress(source)) break;
    };
    await expect(read()).rejects.toMatchObject({ code: 'UNSUPPORTED', message: /is not supported: use gzip/ });
  });

  it('keeps limits of size and ratio', async () => {
    await expect(all(gzip, 1000, { maxBytes: plain.length - 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(all(plain, 1000, { maxBytes: plain.length - 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect((await all(gzip, 1000, { maxBytes: plain.length, maxRatio: 10 })).length).toBe(plain.length);
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    await expect(all(bomb, 1000, { maxRatio: 200 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('passes on what its source throws', async () => {
    const source = async function* () {
      yield gzip.subarray(0, 1000);
      throw new Error('the disk is gone');
    };
    const read = async () => {
      for await (const chunk of decompress(source())) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(read()).rejects.toThrow('the disk is gone');
  });

  it.each([plain, gzip])('closes its source when it is left early (%#)', async (bytes) => {
    let closed = false;
    const source = async function* () {
      try {
        yield* chunked(bytes, 1000);
      } finally {
        closed = true;
      }
    };
    for await (const _ of decompress(source())) break;
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(true);
  });
});
