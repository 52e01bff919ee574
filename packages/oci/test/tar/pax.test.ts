import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePaxRecords, encodePaxRecords, formatPaxTime, parsePaxInteger, parsePaxTime } from '../../src/tar/pax.ts';
import { anyTime } from './arbitrary-entry.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

describe('records', () => {
  it('read back as raw bytes, whatever they hold', () => {
    const key = fc.stringMatching(/^[!-<>-~ÿ]{1,40}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 1200 }))), (pairs) => {
        const records = new Map(pairs);
        expect(decodePaxRecords(encodePaxRecords(records))).toEqual(records);
      }),
    );
  });

  it('count their own length where it gains a digit', () => {
    for (let length = 80; length < 110; length++) {
      const records = new Map([['k', new Uint8Array(length).fill(0x78)]]);
      expect(decodePaxRecords(encodePaxRecords(records))).toEqual(records);
    }
  });

  it('are cut by length, so that a value cannot smuggle a record in', () => {
    const records = decodePaxRecords(bytes('38 SCHILY.xattr.user.x=a\n12 path=evil\n'));
    expect([...records.keys()]).toEqual(['SCHILY.xattr.user.x']);
  });

  it('that come twice: the last counts', () => {
    expect(decodePaxRecords(bytes('9 path=a\n9 path=b\n')).get('path')).toEqual(bytes('b'));
  });

  it('may have zeros before their length', () => {
    expect(decodePaxRecords(bytes('0000000000000000000030 path=a\n')).get('path')).toEqual(bytes('a'));
  });

  it('are written in byte order of their keywords', () => {
    const records = new Map(['path', 'SCHILY.xattr.b', 'SCHILY.xattr.a'].map((key) => [key, bytes('v')]));
    const text = Buffer.from(encodePaxRecords(records)).toString();
    expect(text).toBe('20 SCHILY.xattr.a=v\n20 SCHILY.xattr.b=v\n9 path=v\n');
  });

  it.each([
    ['no length', 'path=x\n'],
    ['a length that is too long', '99 path=x\n'],
    ['a length that is too short', '5 path=x\n'],
    ['no newline at its end', '9 path=xx'],
    ['no equals sign', '9 pathxx\n'],
    ['an empty keyword', '6 =xx\n'],
    ['a negative length', '-9 path=x\n'],
    ['a huge length', '99999999999999999999 path=x\n'],
    ['zero as its length', '0 path=x\n'],
    ['a NUL in its keyword', '9 p\0th=x\n'],
    ['garbage behind it', '9 path=x\n\0\0\0'],
  ])('refuse %s', (_, text) => {
    expect(() => decodePaxRecords(bytes(text))).toThrow(/invalid tar archive: a PAX/);
  });

  it.each(['', 'a=b', 'a\0'])('are not written with the keyword %j', (key) => {
    expect(() => encodePaxRecords(new Map([[key, bytes('v')]]))).toThrow(/PAX keyword/);
  });
});

describe('times', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        expect(parsePaxTime(formatPaxTime(time))).toEqual(time);
      }),
    );
  });

  it.each([
    ['1.5', 1, 500_000_000],
    ['-1.5', -2, 500_000_000],
    ['-0.25', -1, 750_000_000],
    ['-0', 0, 0],
    ['7.', 7, 0],
    ['-000000000000000000007.5', -8, 500_000_000],
    ['1350244992.0239601089', 1350244992, 23_960_108],
  ])('%s', (text, seconds, nanoseconds) => {
    expect(parsePaxTime(text)).toEqual({ seconds, nanoseconds });
  });

  it.each(['NaN', '', '.5', '1e3', '1.2.3', '+1', '9007199254740993', ' 1'])('refuse %j', (text) => {
    expect(() => parsePaxTime(text)).toThrow(/PAX time/);
  });
});

it('reads sizes with zeros before them', () => {
  expect(parsePaxInteger(`${'0'.repeat(30)}999`, 'size')).toBe(999);
});

it.each(['-1', '1.5', '', '0x10', '9007199254740993', '99999999999999999999'])('refuses %j as a size', (text) => {
  expect(() => parsePaxInteger(text, 'size')).toThrow(/the PAX size is not a whole number/);
});
