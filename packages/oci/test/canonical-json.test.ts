import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../src/spec/canonical-json.ts';

describe('canonicalJson()', () => {
  it.each<[unknown, string]>([
    [{ '9': 3, '10': 2, b: 1, a: 4 }, '{"10":2,"9":3,"a":4,"b":1}'],
    [{ b: [3, 1, 2], a: { d: null, c: true } }, '{"a":{"c":true,"d":null},"b":[3,1,2]}'],
    ['<a href="x">&\u2028\u2029', '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029"'],
    ['\u0000\u001f\b\f\n\r\t\\/\u007f', '"\\u0000\\u001f\\b\\f\\n\\r\\t\\\\/\u007f"'],
    ['\ud800x', '"\ufffdx"'],
    ['😀é', '"😀é"'],
    [{ a: undefined, b: 1 }, '{"b":1}'],
    [-0, '0'],
    [1e21, '1e+21'],
    [0.5, '0.5'],
    [{ '<': 1 }, '{"\\u003c":1}'],
    [JSON.parse('{"__proto__": 1, "a": 2}'), '{"__proto__":1,"a":2}'],
    [{}, '{}'],
    [[], '[]'],
  ])('writes %j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('sorts keys by their bytes, where UTF-16 order differs', () => {
    expect(canonicalJson({ '\u{1F600}': 1, '\uFB01': 2, é: 3, z: 4 })).toBe('{"z":4,"é":3,"\uFB01":2,"\u{1F600}":1}');
  });

  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], [1n], [() => 1], [new Date(0)], [new Map()], [undefined]])(
    'refuses %s',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError);
      expect(() => canonicalJson([value])).toThrow(TypeError);
    },
  );

  it('reads back as the same value, whatever the order of its keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });
});

/** The same value with the members of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
