import { docker } from './lab.ts';
import { output } from './process.ts';

/** What `docker image inspect` says of an image. */
export async function dockerInspect(image: string): Promise<Readonly<Record<string, unknown>>> {
  const [document] = JSON.parse(await docker().output(['image', 'inspect', image])) as Record<string, unknown>[];
  if (document === undefined) throw new Error(`docker image inspect ${image} says nothing`);
  return document;
}

/** A document without what is empty (null, false, 0, '', [], {}): which of those an engine writes differs by its version. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  if (typeof value !== 'object' || value === null)
    return value === false || value === 0 || value === '' || value === null ? undefined : value;
  const kept = Object.entries(value).flatMap(([key, inner]) => {
    const rest = key === 'ExposedPorts' || key === 'Volumes' ? inner : withoutEmpty(inner);
    return rest === undefined || rest === null ? [] : [[key, rest] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** One row of `history --no-trunc --format json`, docker's or tsbuild's. */
export interface HistoryRow {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly CreatedBy: string;
  readonly Comment: string;
}

/** The rows of a history without what is relative to now or depends on how an engine counts bytes. */
export function historyRows(lines: string): HistoryRow[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const { ID, CreatedAt, CreatedBy, Comment } = JSON.parse(line) as HistoryRow;
      return { ID, CreatedAt, CreatedBy, Comment };
    });
}

/**
 * The root filesystem of an image as the engine sees it: one line per entry (type and mode, owner, size, name, link),
 * without times and without what the engine itself puts there.
 */
export async function dockerTree(image: string): Promise<string[]> {
  const id = (await docker().output(['create', '--network', 'none', image, 'true'])).trim();
  try {
    const archive = `/tmp/tsbuild-tree-${id}.tar`;
    await docker().output(['export', '-o', archive, id]);
    const listing = await output('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', archive]).finally(() =>
      output('rm', ['-f', archive]),
    );
    return listing.split('\n').flatMap(treeLine).toSorted();
  } finally {
    await docker().output(['rm', '-f', id]);
  }
}

const OF_THE_ENGINE = /^(\.dockerenv|dev\/(console|pts\/|shm\/)|etc\/(hostname|hosts|mtab.*|resolv\.conf))/;

function treeLine(line: string): string[] {
  const match = /^(\S+ \S+\s+\S+) \S+ \S+ (.*)$/.exec(line);
  const [, facts = '', name = ''] = match ?? [];
  return match === null || OF_THE_ENGINE.test(name) ? [] : [`${name} ${facts.replace(/\s+/g, ' ')}`];
}
