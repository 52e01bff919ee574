const NARROWEST = 10;
const GAP = 3;

/** Rows in columns as docker lays them out: cells at least ten wide, three blanks between, no blanks at the line's end. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? NARROWEST, Array.from(cell).length + GAP);
    });
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => pad(cell, widths[column] ?? 0))
          .join('')
          .trimEnd()}\n`,
    )
    .join('');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - Array.from(cell).length));
}
