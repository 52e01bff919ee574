import { expect, it } from 'vitest';
import { rfc3339 } from '../src/spec/rfc3339.ts';

it.each([
  [0, '1970-01-01T00:00:00Z'],
  [1_700_000_000_000, '2023-11-14T22:13:20Z'],
  [1_700_000_000_900, '2023-11-14T22:13:20.9Z'],
  [1_700_000_000_050, '2023-11-14T22:13:20.05Z'],
  [1_700_000_000_123, '2023-11-14T22:13:20.123Z'],
])('rfc3339(%d) is %s, as Go writes it', (milliseconds, text) => {
  expect(rfc3339(milliseconds)).toBe(text);
});
