import { describe, expect, it } from 'vitest';
import { ellipsis, humanAge, humanDuration, humanSize } from '../../src/output/human.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

it.each([
  [0, '0B'],
  [1, '1B'],
  [139, '139B'],
  [999, '999B'],
  [1000, '1kB'],
  [1024, '1.02kB'],
  [4200, '4.2kB'],
  [12_345_678, '12.3MB'],
  [123_456_789, '123MB'],
  [999_949, '1000kB'],
  [1_000_000, '1MB'],
  [1.5e9, '1.5GB'],
  [2.34e12, '2.34TB'],
])('%d bytes are %s', (bytes, shown) => {
  expect(humanSize(bytes)).toBe(shown);
});

it.each([
  [0, 'Less than a second'],
  [999, 'Less than a second'],
  [SECOND, '1 second'],
  [59 * SECOND, '59 seconds'],
  [MINUTE, 'About a minute'],
  [119 * SECOND, 'About a minute'],
  [2 * MINUTE, '2 minutes'],
  [59 * MINUTE, '59 minutes'],
  [60 * MINUTE, 'About an hour'],
  [89 * MINUTE, 'About an hour'],
  [90 * MINUTE, '2 hours'],
  [47 * HOUR, '47 hours'],
  [2 * DAY, '2 days'],
  [13 * DAY, '13 days'],
  [14 * DAY, '2 weeks'],
  [59 * DAY, '8 weeks'],
  [60 * DAY, '2 months'],
  [729 * DAY, '24 months'],
  [730 * DAY, '2 years'],
])('%d ms are %s', (milliseconds, shown) => {
  expect(humanDuration(milliseconds)).toBe(shown);
});

describe('ages', () => {
  const now = Date.parse('2026-01-01T02:00:00Z');
  it.each([
    ['2026-01-01T00:00:00.123456789Z', '2 hours ago'],
    ['2026-01-01T03:00:00+01:00', 'Less than a second ago'],
    ['2030-01-01T00:00:00Z', 'Less than a second ago'],
    ['0001-01-01T00:00:00Z', 'N/A'],
    [undefined, 'N/A'],
    ['nonsense', 'N/A'],
  ])('%s', (time, shown) => {
    expect(humanAge(time, now)).toBe(shown);
  });
});

it('cuts by characters, not by UTF-16 units', () => {
  expect(ellipsis('abc', 3)).toBe('abc');
  expect(ellipsis('😀😀😀😀', 3)).toBe('😀😀…');
});
