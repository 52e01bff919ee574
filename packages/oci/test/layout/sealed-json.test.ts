import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sealJson, unsealJson } from '../../src/processes/sealed-json.ts';

describe('a sealed document', () => {
  it('is JSON, and comes back as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as object;
        const text = sealJson(plain);
        expect(unsealJson(text)).toEqual({ value: plain, isSealed: true });
        expect(() => JSON.parse(text) as unknown).not.toThrow();
      }),
    );
  });

  it('that was changed anywhere is damaged, or no longer sealed', () => {
    const text = sealJson({ digest: 'sha256:abc', size: 12 });
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === '0' ? '1' : '0'}${text.slice(at + 1)}`;
      expect(unsealJson(changed)?.isSealed ?? false).toBe(false);
    }
    expect(unsealJson(text.slice(0, -5))).toBeUndefined();
  });
});

it('a document of an earlier version has no seal', () => {
  expect(unsealJson('{"size":12}')).toEqual({ value: { size: 12 }, isSealed: false });
  expect(unsealJson('null')).toEqual({ value: null, isSealed: false });
  expect(unsealJson('')).toBeUndefined();
});
