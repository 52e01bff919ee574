import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gzipLayer } from '../../src/compression/gzip.ts';
import type { GzipOptions } from '../../src/compression/gzip.ts';
import { chunked } from '../../testing/make-tar.ts';

/** Text that compresses, the same on every machine. */
function sample(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    bytes[i] = 97 + ((state >>> 16) % (i % 7 === 0 ? 26 : 3));
  }
  return bytes;
}

async function gzip(bytes: Uint8Array, chunk?: number, options?: GzipOptions): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const piece of gzipLayer(chunked(bytes, chunk), options)) out.push(piece);
  return Buffer.concat(out);
}

const data = sample(3 * 1024 * 1024 + 12345);

describe('gzipLayer', () => {
  it('gives bytes that do not depend on cores, or on how the input is cut', async () => {
    const packed = await gzip(data);
    for (const [chunk, parallel] of [
      [1000, 1],
      [1024 * 1024, 7],
      [data.length, 2],
      [777_777, 3],
    ] as const) {
      expect((await gzip(data, chunk, { parallel })).equals(packed)).toBe(true);
    }
  });

  // Another zlib may choose other bytes for the same data; that changes the digests of layers, so it must be seen.
  it.skipIf(process.arch !== 'x64' || !process.versions.node.startsWith('20.'))(
    'gives the bytes that it always gave (needs Node 20 on x64)',
    async () => {
      expect(
        createHash('sha256')
          .update(await gzip(data))
          .digest('hex'),
      ).toBe('6b79c2297738769bdbd2cfe264b0979f4221e0626376f301af23813be2c7a4e9');
    },
  );

  it.each([0, 1, 511, 1024 * 1024, 1024 * 1024 + 1, 2 * 1024 * 1024])('packs %d bytes', async (size) => {
    const bytes = data.subarray(0, size);
    const packed = await gzip(bytes);
    expect(gunzipSync(packed).equals(bytes)).toBe(true);
    expect(packed.subarray(0, 10)).toEqual(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]));
    expect(execFileSync('gzip', ['-dc'], { input: packed, maxBuffer: 1e9 }).equals(bytes)).toBe(true);
  });

  it('unpacks to what was packed, whatever it is', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 9 }), async (list, level) => {
        const bytes = Buffer.concat(list);
        expect(gunzipSync(await gzip(bytes, 100, { level })).equals(bytes)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('is nearly as small as one stream', async () => {
    const whole = execFileSync('gzip', ['-c', '-5', '-n'], { input: data, maxBuffer: 1e9 }).length;
    expect((await gzip(data)).length).toBeLessThan(whole * 1.02);
  });

  it('ends with the error of its source, and tells the source when nobody wants more', async () => {
    const failing = (async function* () {
      yield data;
      throw new Error('source broke');
    })();
    const read = async () => {
      for await (const _ of gzipLayer(failing)) continue;
    };
    await expect(read()).rejects.toThrow('source broke');
    let closed = false;
    const endless = (async function* () {
      try {
        for (;;) yield data;
      } finally {
        closed = true;
      }
    })();
    for await (const piece of gzipLayer(endless)) if (piece.length > 10) break;
    expect(closed).toBe(true);
  });
});
