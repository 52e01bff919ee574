import { expect, it } from 'vitest';
import { renderTable } from '../../src/output/table.ts';

it('lays out columns as docker does', () => {
  expect(
    renderTable([
      ['A', 'LONG COLUMN NAME', 'C'],
      ['é…', 'x', ''],
      ['a longer cell', 'y', 'z'],
    ]),
  ).toBe('A               LONG COLUMN NAME   C\né…              x\na longer cell   y                  z\n');
});
