import { expect, it } from 'vitest';
import { parseNextLink } from '../../src/registry/pages.ts';

it('parseNextLink() takes time in proportion to the length of the header', () => {
  const start = performance.now();
  for (const part of ['next ', ';rel="', '; rel=', '<a>;', '<']) {
    expect(parseNextLink(`<a>; rel="${part.repeat(40_000)}`)).not.toBe('');
  }
  expect(performance.now() - start).toBeLessThan(2000);
});
