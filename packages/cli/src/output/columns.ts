import { sanitizeName } from './sanitize.ts';
import { displayWidth, fit } from './width.ts';

/** How {@link columns} lays rows out. */
export interface ColumnsView {
  /** Where lines are cut; undefined for never. */
  readonly width: number | undefined;
  readonly indent?: string;
  /** The columns that hold numbers, which end at the same place. */
  readonly right?: readonly number[];
}

const GAP = 2;

/** Rows in columns as wide as their widest cell, without blanks at the line's end. */
export function columns(rows: readonly (readonly string[])[], view: ColumnsView): string {
  const { width, indent = '', right = [] } = view;
  const cells = rows.map((row) => row.map(sanitizeName));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, displayWidth(cell));
  }
  const lines = cells.map((row) => {
    const padded = row.map((cell, at) => {
      const blanks = ' '.repeat((widths[at] ?? 0) - displayWidth(cell));
      return right.includes(at) ? blanks + cell : cell + blanks;
    });
    const line = `${indent}${padded.join(' '.repeat(GAP))}`.trimEnd();
    return width === undefined ? line : fit(line, width);
  });
  return lines.map((line) => `${line}\n`).join('');
}
