import { describe, expect, it } from 'vitest';
import { decodeStatement, encodeStatement, STATEMENT_SIZE_LIMIT } from '../../src/attestation/statement.ts';

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const STATEMENT = {
  subject: [{ name: 'pkg:docker/app@1', digest: { sha256: 'ab' } }, { digest: { sha256: 'cd' } }],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: { b: [1, { c: null }], a: 'x' },
};
const DOCUMENT = { _type: 'https://in-toto.io/Statement/v1', ...STATEMENT };

describe('an in-toto statement', () => {
  it('is read as it was written', () => {
    const bytes = encodeStatement(STATEMENT);
    expect(decodeStatement(bytes)).toEqual(STATEMENT);
    expect(encodeStatement(decodeStatement(bytes))).toEqual(bytes);
    expect(new TextDecoder().decode(bytes)).not.toContain('\n');
  });

  it('is read in the older form of BuildKit, too, and with members that nobody knows', () => {
    const old = { ...DOCUMENT, _type: 'https://in-toto.io/Statement/v0.1', extra: 1 };
    expect(decodeStatement(bytesOf(old))).toEqual(STATEMENT);
  });

  it.each([
    ['another type', { ...DOCUMENT, _type: 'https://in-toto.io/Statement/v2' }, '_type is'],
    ['no type', STATEMENT, '_type must be a string'],
    ['a member in another case', { ...DOCUMENT, Predicate: {} }, 'must be written "predicate"'],
    ['no subject', { ...DOCUMENT, subject: undefined }, 'subject must be an array'],
    ['a subject without digests', { ...DOCUMENT, subject: [{ name: 'x' }] }, 'subject[0].digest must be an object'],
    [
      'a digest that is no text',
      { ...DOCUMENT, subject: [{ digest: { sha256: 1 } }] },
      'subject[0].digest["sha256"] must be a string',
    ],
    ['an empty predicate type', { ...DOCUMENT, predicateType: '' }, 'predicateType is empty'],
    ['a predicate that is a list', { ...DOCUMENT, predicate: [] }, 'predicate must be an object'],
    [
      'subjects without end',
      { ...DOCUMENT, subject: Array.from({ length: 10_001 }, () => ({ digest: {} })) },
      'the limit is 10000',
    ],
  ])('is refused with %s', (_name, document, message) => {
    expect(() => decodeStatement(bytesOf(document))).toThrow(
      expect.objectContaining({ code: 'STATEMENT_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it('needs no predicate where its type says everything', () => {
    expect(decodeStatement(bytesOf({ ...DOCUMENT, predicate: undefined })).predicate).toEqual({});
  });

  it('may be larger than a manifest, but not without end', () => {
    const filler = 'x'.repeat(9 * 1024 * 1024);
    const { predicate } = decodeStatement(bytesOf({ ...DOCUMENT, predicate: { filler } }));
    expect((predicate as { filler: string }).filler.length).toBe(filler.length);
    const tooLarge = new Uint8Array(STATEMENT_SIZE_LIMIT + 1).fill(0x20);
    expect(() => decodeStatement(tooLarge)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });
});
