import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, encodeHeader } from '../../src/tar/header.ts';
import { fitsOctal, readNumber, writeBase256, writeOctal } from '../../src/tar/tar-number.ts';
import { makeTar } from '../../testing/make-tar.ts';

describe('numeric fields', () => {
  it('read back what was written as octal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 ** 11 - 1 }), (value) => {
        const field = new Uint8Array(12);
        writeOctal(field, 0, 12, value);
        expect(readNumber(field, 0, 12, 'size')).toBe(value);
      }),
    );
  });

  it('read back what was written as base-256, negative too', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.constantFrom(8, 12), (value, length) => {
        const field = new Uint8Array(length);
        writeBase256(field, 0, length, value);
        expect(readNumber(field, 0, length, 'uid')).toBe(value);
      }),
    );
  });

  it.each([
    ['blank', '        ', 0],
    ['empty', '\0\0\0\0\0\0\0\0', 0],
    ['leading spaces', '   644 \0', 0o644],
    ['no terminator', '12345670', 0o12345670],
    ['text after the end', '644\0abcd', 0o644],
  ])('take %s', (_, text, value) => {
    expect(readNumber(Buffer.from(text, 'latin1'), 0, 8, 'mode')).toBe(value);
  });

  it.each(['00000x4\0', '-0000001', '12 34\0\0\0', '9999999\0'])('refuse %j', (text) => {
    expect(() => readNumber(Buffer.from(text, 'latin1'), 0, 8, 'uid')).toThrow(/the uid field is not a number/);
  });

  it('refuse base-256 beyond 2^53', () => {
    const field = Buffer.from([0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect(() => readNumber(field, 0, 12, 'size')).toThrow(/out of range/);
  });

  it('fit octal up to one digit less than the field', () => {
    expect([fitsOctal(0o7777777, 8), fitsOctal(0o10000000, 8), fitsOctal(-1, 8)]).toEqual([true, false, false]);
  });
});

describe('a header block', () => {
  const fields = {
    name: 'b',
    prefix: 'a',
    mode: 0o4755,
    uid: 1000,
    gid: 100,
    size: 3,
    mtime: 1234567890,
    typeFlag: '0',
    linkName: 'l',
    devMajor: 8,
    devMinor: 1,
  };

  it('reads back as it was written, prefix joined', () => {
    const block = new Uint8Array(1024).fill(0xff);
    encodeHeader(fields, block, 512);
    const { prefix: _, ...rest } = fields;
    expect(decodeHeader(block, 512)).toEqual({ ...rest, name: 'a/b' });
  });

  it('is refused when one bit is wrong', () => {
    const block = new Uint8Array(512);
    encodeHeader(fields, block, 0);
    for (const at of [0, 100, 156, 511]) {
      const damaged = block.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => decodeHeader(damaged, 0)).toThrow('the checksum of a header is wrong');
    }
  });

  it('may have its checksum summed over signed bytes', () => {
    const block = makeTar([{ name: 'caf\xe9' }]).subarray(0, 512);
    const signed = block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : (byte << 24) >> 24), 0);
    writeOctal(block, 148, 7, signed);
    expect(decodeHeader(block, 0).name).toBe('caf\xe9');
  });

  it('of GNU tar has times where ustar has its prefix', () => {
    const block = makeTar([{ name: 'n', format: 'gnu', raw: { 345: '13737373737\0' } }]);
    expect(decodeHeader(block, 0).name).toBe('n');
  });

  it('of Go before 1.8 has a prefix where GNU tar has times', () => {
    const prefix = `${'dir/'.repeat(30)}dir`;
    const archive = makeTar([{ name: 'n', format: 'gnu', prefix, uid: 3_000_000 }]);
    expect(decodeHeader(archive, 0)).toMatchObject({ name: `${prefix}/n`, uid: 3_000_000 });
    const notAscii = makeTar([{ name: 'n', format: 'gnu', prefix: `caf\xe9/${prefix}` }]);
    expect(decodeHeader(notAscii, 0).name).toBe('n');
  });

  it('older than ustar has no device numbers', () => {
    const block = makeTar([{ name: 'n', format: 'v7', raw: { 329: 'garbage!' } }]);
    expect(decodeHeader(block, 0)).toMatchObject({ name: 'n', devMajor: 0, devMinor: 0 });
  });
});
