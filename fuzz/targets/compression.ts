import { spawnSync } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import { OciError } from '../../packages/oci/src/spec/oci-error.ts';
import { decompress } from '../../packages/oci/src/compression/compression.ts';
import { gzipLayer } from '../../packages/oci/src/compression/gzip.ts';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { PLAIN_TAR, tarSeeds } from '../seeds/tars.ts';
import { BrokenPromise, mustHold, pureTarget } from '../target.ts';
import type { Target } from '../target.ts';

const MAX_BYTES = 1024 * 1024;

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}

async function unpacked(input: Uint8Array, chunkSize: number): Promise<Buffer | OciError> {
  try {
    return await bytesOf(decompress(chunked(input, chunkSize), { maxBytes: MAX_BYTES }));
  } catch (error) {
    if (error instanceof OciError) return error;
    throw error;
  }
}

/** What zlib itself makes of it, or gzip(1), which ignores what follows the data; undefined when they refuse. */
function judged(input: Uint8Array): Buffer | undefined {
  try {
    return gunzipSync(input, { maxOutputLength: MAX_BYTES + 1 });
  } catch {
    const { status, stdout } = spawnSync('gzip', ['-dcq'], { input, maxBuffer: 2 * MAX_BYTES });
    return status === 0 || status === GZIP_WARNS ? stdout : undefined;
  }
}

/** gzip(1)'s exit code when it ignored something. */
const GZIP_WARNS = 2;

/** gzip: damaged or cut data is refused, and what is accepted is what zlib or gzip(1) says, however the input is cut. */
export const gzip = pureTarget('gzip', {
  seeds: () => [
    ...[PLAIN_TAR, new Uint8Array(), Buffer.from('text')].map((bytes) => gzipSync(bytes)),
    Buffer.concat([gzipSync('one'), gzipSync('two')]),
    Buffer.concat([gzipSync('one'), Buffer.alloc(5)]),
    Buffer.concat([gzipSync('one'), Buffer.from('garbage')]),
    gzipSync(Buffer.alloc(500_000)),
    gzipSync(Buffer.alloc(MAX_BYTES + 1)),
    PLAIN_TAR,
  ],
  mutate: mutateBytes,
  run: async (input) => {
    const result = await unpacked(input, 65_536);
    const again = await unpacked(input, 1 + ((input.at(-1) ?? 0) % 37));
    // Data that is damaged and too much is refused for the one or for the other, whatever shows first.
    const agreed = Buffer.isBuffer(result) && Buffer.isBuffer(again) ? result.equals(again) : !Buffer.isBuffer(result);
    mustHold(agreed && Buffer.isBuffer(result) === Buffer.isBuffer(again), 'cut otherwise, another result');
    if (result instanceof OciError) throw result;
    if (input[0] !== 0x1f || input[1] !== 0x8b || input[2] !== 8) return 'plain';
    const expected = judged(input);
    mustHold(expected !== undefined, 'zlib and gzip refuse what was accepted');
    mustHold(result.equals(expected), 'zlib gives other bytes');
    return `${result.length > 0}`;
  },
});

/** The parallel compressor: zlib gives the content back, and the bytes do not depend on how the input is cut. */
export const gzipWriter = pureTarget('gzip-writer', {
  seeds: () => [...tarSeeds().slice(0, 4), new Uint8Array(), Buffer.alloc(250_000, 'abc')],
  mutate: mutateBytes,
  run: async (input) => {
    // Repeated beyond the size of one block now and then.
    const content = input.length % 16 === 3 ? Buffer.concat(Array.from({ length: 8 }, () => input)) : input;
    const packed = await bytesOf(gzipLayer(chunked(content), { parallel: 1 }));
    const odd = await bytesOf(gzipLayer(chunked(content, 1 + content.length / 7), { parallel: 3 }));
    mustHold(packed.equals(odd), 'the bytes depend on cores or chunks');
    mustHold(gunzipSync(packed).equals(content), 'the content does not come back');
    return `${content.length >> 17}`;
  },
});

function zstdOf(bytes: Uint8Array): Uint8Array {
  const { stdout, status } = spawnSync('zstd', ['-cq', '--check'], { input: bytes });
  if (status !== 0) throw new BrokenPromise('the program zstd does not work');
  return stdout;
}

/** zstd: the program or Node's own decoder behind the same promises. */
export const zstd: Target = {
  ...pureTarget('zstd', {
    seeds: () => [PLAIN_TAR, new Uint8Array(), Buffer.from('text'), Buffer.alloc(1_000_000)].map(zstdOf),
    mutate: mutateBytes,
    run: async (input) => {
      const result = await unpacked(input, 65_536);
      if (result instanceof OciError) throw result;
      return `${result.length > 0}`;
    },
  }),
  missing: () => (spawnSync('zstd', ['--version']).status === 0 ? undefined : 'the program zstd is not installed'),
};
