import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editObject, joinArray, joinObject, setMembers, splitArray, splitObject } from '../src/spec/json-edit.ts';

const json = fc.jsonValue({ maxDepth: 4 });
const spaced = fc.tuple(json, fc.constantFrom(undefined, 1, 2, '\t')).map(([value, indent]) => ({
  value,
  text: JSON.stringify(value, null, indent),
}));

describe('json-edit', () => {
  it('splits any object and joins it again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), spaced), (members) => {
        const text = joinObject(Object.entries(members).map(([name, { text: value }]) => [name, value]));
        const split = splitObject(text);
        expect([...split.keys()]).toEqual(Object.keys(members));
        for (const [name, { text: value }] of Object.entries(members)) expect(split.get(name)).toBe(value);
      }),
    );
  });

  it('splits any array and joins it again', () => {
    fc.assert(
      fc.property(fc.array(spaced), (items) => {
        const texts = items.map(({ text }) => text);
        expect(splitArray(joinArray(texts))).toEqual(texts);
        expect(splitArray(` [\n ${texts.join(' ,\n')} ] `)).toEqual(texts);
      }),
    );
  });

  it('keeps what is not named to the character', () => {
    const text = '{ "9": 12345678901234567890, "10" : [1.50, "]}\\"", {"a": {}}], "b":  null }';
    expect(editObject(text, { b: '1', c: '2' })).toBe(
      '{"9":12345678901234567890,"10":[1.50, "]}\\"", {"a": {}}],"b":1,"c":2}',
    );
    expect(editObject(text, { '10': undefined })).toBe('{"9":12345678901234567890,"b":null}');
    expect(setMembers('null', { a: [1] })).toBe('{"a":[1]}');
  });

  it.each(['{"a"', '{"a":1', '{"a":"b}', '[', '{"a":{}', '{a:1}'])('refuses %s', (text) => {
    expect(() => splitObject(text)).toThrow(SyntaxError);
  });
});
