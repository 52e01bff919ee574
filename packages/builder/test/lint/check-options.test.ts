import { describe, expect, it } from 'vitest';
import { parseCheckOptions } from '../../src/lint/check-options.ts';
import { rulesOf } from './lint-of.ts';

const LEGACY = 'FROM scratch\nENV A b\n';

describe('check=', () => {
  it('reads skip, error and experimental', () => {
    expect(parseCheckOptions(' skip=A, B;error=TRUE;experimental=C ')).toEqual({
      skip: new Set(['A', 'B']),
      skipAll: false,
      experimental: new Set(['C']),
      experimentalAll: false,
      error: true,
    });
    expect(parseCheckOptions('skip=all;experimental=all;error=0')).toMatchObject({
      skipAll: true,
      experimentalAll: true,
      error: false,
    });
  });

  it.each(['skip', 'foo=1', 'error=yes', 'skip=A;;'])('refuses %s', (text) => {
    expect(() => parseCheckOptions(text)).toThrow(/invalid check option|failed to parse check option/);
  });

  it('skips rules in the whole file', () => {
    expect(rulesOf(LEGACY)).toEqual(['LegacyKeyValueFormat']);
    expect(rulesOf(`# check=skip=LegacyKeyValueFormat\n${LEGACY}`)).toEqual([]);
    expect(rulesOf(`# check=skip=all\n${LEGACY}`)).toEqual([]);
    expect(rulesOf(`# check=skip=legacykeyvalueformat\n${LEGACY}`)).toEqual(['LegacyKeyValueFormat']);
  });

  it('skips rules for the instruction below a comment alone', () => {
    const text = (comment: string) => `FROM scratch\n${comment}\nENV A b\nENV B c\n`;
    expect(rulesOf(text('# check=skip=LegacyKeyValueFormat'))).toEqual(['LegacyKeyValueFormat']);
    expect(rulesOf(text('# why\n# check=skip=all'))).toEqual(['LegacyKeyValueFormat']);
    expect(rulesOf(text('# check=nonsense'))).toEqual(['LegacyKeyValueFormat', 'LegacyKeyValueFormat']);
  });
});
