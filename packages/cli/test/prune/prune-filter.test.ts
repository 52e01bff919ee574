import { expect, it } from 'vitest';
import { parsePruneFilter } from '../../src/prune/prune-filter.ts';

const NOW = Date.parse('2024-05-10T00:00:00Z');
const keeps = (...filters: string[]) => parsePruneFilter(filters, 'image prune', NOW);
const image = (created: string | undefined, labels?: Record<string, string>) => ({ created, labels });

it.each([
  ['until=24h', '2024-05-08T23:59:59Z', true],
  ['until=24h', '2024-05-09T00:00:01Z', false],
  ['until=2024-05-01', '2024-04-30T00:00:00Z', true],
  ['until=2024-05-01T10:00:00', '2024-05-01T09:59:59Z', true],
  ['until=2024-05-01T10:00:00', '2024-05-01T10:00:01Z', false],
  ['until=2024-05-01T10:00:00+02:00', '2024-05-01T08:30:00Z', false],
  [`until=${NOW / 1000}`, '2024-05-09T00:00:00Z', true],
])('%s, made %s: %s', (filter, created, wanted) => {
  expect(keeps(filter)(image(created))).toBe(wanted);
});

it('labels, with and without a value; all filters must hold', () => {
  const labelled = image(undefined, { a: '1', b: '' });
  expect(keeps('label=a')(labelled)).toBe(true);
  expect(keeps('label=a=1', 'label=b')(labelled)).toBe(true);
  expect(keeps('label=a=2')(labelled)).toBe(false);
  expect(keeps('label!=a')(labelled)).toBe(false);
  expect(keeps('label!=c')(image(undefined))).toBe(true);
  // What has no time is never old enough.
  expect(keeps('until=1h')(labelled)).toBe(false);
});

it.each(['x=1', 'until=soon', 'until', 'label'])('%s is refused', (filter) => {
  expect(() => keeps(filter)).toThrow(/invalid --filter/);
});
