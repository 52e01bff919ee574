import type { Outline, TargetList } from '@tsbuild/builder';
import { sanitizeName } from './sanitize.ts';

const GAP = 3;

/** `--call=targets` as buildx prints it: the stages and their descriptions. */
export function targetsTable(targets: TargetList): string {
  const rows = targets.map(({ name, isDefault, description }) => {
    const shown = isDefault ? `${name ?? ''} (default)`.trim() : (name ?? '');
    return [shown, description];
  });
  return table([['TARGET', 'DESCRIPTION'], ...rows]);
}

/** `--call=outline` as buildx prints it, and the cache mounts, which it leaves to its JSON. */
export function outlineTables({ name, description, args, secrets, ssh, caches }: Outline): string {
  const head = [['TARGET:', name ?? '(default)'], ...(description === '' ? [] : [['DESCRIPTION:', description]])];
  const mounts = (title: string, found: Outline['secrets']): string[][] =>
    found.length === 0
      ? []
      : [[title, 'REQUIRED'], ...found.map((mount) => [mount.name, mount.required ? 'true' : ''])];
  const sections = [
    name === undefined && description === '' ? [] : head,
    args.length === 0
      ? []
      : [['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...args.map((arg) => [arg.name, arg.value, arg.description])],
    mounts('SECRET', secrets),
    mounts('SSH', ssh),
    caches.length === 0 ? [] : [['CACHE MOUNT'], ...caches.map(({ id }) => [id])],
  ];
  return sections.flatMap((rows, at) => (rows.length === 0 ? [] : [table(rows, at === 0 ? 1 : GAP)])).join('\n');
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[], gap = GAP): string {
  const cells = rows.map((row) => row.map(sanitizeName));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, Array.from(cell).length + gap);
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - Array.from(cell).length)).join('');
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('');
}
