import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAuthenticate } from '../../src/registry/authenticate-header.ts';

const read = (header: string): unknown[] =>
  parseAuthenticate(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('parseAuthenticate()', () => {
  it.each([
    [
      'Bearer realm="https://a/token",service="a",scope="repository:x:pull,push"',
      [['bearer', { realm: 'https://a/token', service: 'a', scope: 'repository:x:pull,push' }]],
    ],
    ['Basic realm="a, b=\\"c\\""', [['basic', { realm: 'a, b="c"' }]]],
    [
      'Basic realm="x", Bearer realm="y" , service=z',
      [
        ['basic', { realm: 'x' }],
        ['bearer', { realm: 'y', service: 'z' }],
      ],
    ],
    ['bEARER ReAlM = "y"', [['bearer', { realm: 'y' }]]],
    [
      'Negotiate abc==, Bearer realm="y"',
      [
        ['negotiate', {}],
        ['bearer', { realm: 'y' }],
      ],
    ],
    [
      'Basic, Bearer realm="y"',
      [
        ['basic', {}],
        ['bearer', { realm: 'y' }],
      ],
    ],
    ['Bearer realm=""', [['bearer', { realm: '' }]]],
    [',, Bearer ,realm="y",,', [['bearer', { realm: 'y' }]]],
    ['', []],
  ])('reads %s', (header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it('takes nothing from a parameter that is given twice', () => {
    expect(read('Bearer realm="https://good/", realm="https://evil/"')).toEqual([]);
  });

  it.each([
    'Bearer realm="unfinished',
    'Bearer realm=',
    'Bearer realm="a\\',
    '="x"',
    '\u0000',
    `Bearer realm="${'x'.repeat(20_000)}"`,
  ])('takes nothing from %j', (header) => {
    expect(parseAuthenticate(header).filter(({ parameters }) => parameters.size > 0)).toEqual([]);
  });

  it('never throws and never takes long', () => {
    const pieces = fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'realm', 'a', '==', '\t', '/', '\u00e9');
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 400 }).map((parts) => parts.join('')),
        (header) => {
          parseAuthenticate(header);
        },
      ),
    );
    for (const unit of ['a ', 'a=', '"', 'a,', '\\"', 'a', '=', 'a="', ' '])
      expect(() => parseAuthenticate(`Bearer ${unit.repeat(160_000 / unit.length)}`)).not.toThrow();
  });

  it('reads back any realm that was quoted', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (realm) => {
        const header = `Bearer realm="${realm.replace(/["\\]/g, '\\$&')}",service="s"`;
        expect(read(header)).toEqual([['bearer', { realm, service: 's' }]]);
      }),
    );
  });
});
