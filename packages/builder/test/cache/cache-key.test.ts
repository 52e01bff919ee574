import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Digest } from '@tsbuild/oci';
import { cacheKey, type KeyPreimage, preimageText } from '../../src/cache/cache-key.ts';

const id = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const base: KeyPreimage = {
  operation: 'run',
  definition: { argv: ['/bin/sh', '-c', 'make'], environment: ['A=1'] },
  inputs: [{ name: 'parent', id: id('a') }],
};

describe('cacheKey', () => {
  it('is the digest of a fixed text', () => {
    expect(preimageText(base)).toBe(
      `{"definition":{"argv":["/bin/sh","-c","make"],"environment":["A=1"]},"format":"tsbuild.key.v1","inputs":[{"id":"${id('a')}","name":"parent"}],"operation":"run"}`,
    );
  });

  it.each<[string, KeyPreimage]>([
    ['operation', { ...base, operation: 'copy' }],
    ['definition', { ...base, definition: { argv: ['/bin/sh', '-c', 'make'], environment: ['A=2'] } }],
    ['input id', { ...base, inputs: [{ name: 'parent', id: id('b') }] }],
    ['input name', { ...base, inputs: [{ name: 'files', id: id('a') }] }],
    ['number of inputs', { ...base, inputs: [...base.inputs, ...base.inputs] }],
  ])('changes with the %s', (_what, other) => {
    expect(cacheKey(other)).not.toBe(cacheKey(base));
  });

  it('does not depend on the listing beside its id, nor on the order of members', () => {
    const listed = { ...base, inputs: [{ listing: 'x\n', id: id('a'), name: 'parent' }] };
    const reordered = { ...base, definition: { environment: ['A=1'], argv: ['/bin/sh', '-c', 'make'] } };
    expect(cacheKey(listed)).toBe(cacheKey(base));
    expect(cacheKey(reordered)).toBe(cacheKey(base));
  });

  it('never collides by moving text from one part to the next', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), fc.array(fc.string(), { maxLength: 5 }), (a, b) => {
        const keyOf = (argv: readonly string[]): Digest => cacheKey({ ...base, definition: { argv } });
        expect(keyOf(a) === keyOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});
