/** A rectangle. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Divides an area by sizes into rectangles that are as square as can be: rows along the shorter side, each taken up as long as
 * that makes its worst rectangle better (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000). Sizes come largest first.
 */
export function squarify(sizes: readonly number[], area: Area): readonly Area[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const areas: Area[] = [];
  if (total <= 0) return areas;
  const scale = (area.width * area.height) / total;
  let rest = area;
  for (let at = 0; at < sizes.length; ) {
    const side = Math.min(rest.width, rest.height);
    const row: number[] = [];
    let sum = 0;
    for (; at < sizes.length; at++) {
      const size = (sizes[at] ?? 0) * scale;
      if (row.length > 0 && worst([...row, size], sum + size, side) > worst(row, sum, side)) break;
      row.push(size);
      sum += size;
    }
    rest = place(row, sum, rest, areas);
  }
  return areas;
}

function worst(row: readonly number[], sum: number, side: number): number {
  const [largest, smallest] = [row[0] ?? 0, row.at(-1) ?? 0];
  if (sum === 0 || smallest === 0) return Number.POSITIVE_INFINITY;
  return Math.max((side * side * largest) / (sum * sum), (sum * sum) / (side * side * smallest));
}

/** Lays a row along the shorter side. @returns what is left */
function place(row: readonly number[], sum: number, rest: Area, areas: Area[]): Area {
  const { x, y, width, height } = rest;
  if (width >= height) {
    const thick = height === 0 ? 0 : sum / height;
    let at = y;
    for (const size of row) {
      const long = thick === 0 ? 0 : size / thick;
      areas.push({ x, y: at, width: thick, height: long });
      at += long;
    }
    return { x: x + thick, y, width: Math.max(0, width - thick), height };
  }
  const thick = width === 0 ? 0 : sum / width;
  let at = x;
  for (const size of row) {
    const long = thick === 0 ? 0 : size / thick;
    areas.push({ x: at, y, width: long, height: thick });
    at += long;
  }
  return { x, y: y + thick, width, height: Math.max(0, height - thick) };
}
