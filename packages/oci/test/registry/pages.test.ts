import { expect, it } from 'vitest';
import { parseNextLink } from '../../src/registry/pages.ts';

// The square of it would outlast the test.
it('parseNextLink() takes time in proportion to the length of the header', () => {
  for (const part of ['next ', ';rel="', '; rel=', '<a>;', '<']) {
    expect(parseNextLink(`<a>; rel="${part.repeat(400_000)}`)).not.toBe('');
  }
});
