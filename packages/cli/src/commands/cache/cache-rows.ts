import type { CacheEntry } from '@tsbuild/builder';
import { humanAge, humanSize } from '../../output/human.ts';
import { sanitizeName, sanitizeText } from '../../output/sanitize.ts';
import { renderTable } from '../../output/table.ts';
import { fit } from '../../output/width.ts';

const SHORT_ID = 12;
const DESCRIPTION_WIDTH = 60;

/** An entry with the fields of docker's `system df -v --format`. */
export interface CacheRow {
  readonly ID: string;
  readonly CacheType: string;
  readonly Size: string;
  readonly CreatedAt: string;
  readonly CreatedSince: string;
  readonly LastUsedAt: string;
  readonly LastUsedSince: string;
  /** Empty where nobody counts. */
  readonly UsageCount: string;
  readonly Shared: string;
  readonly Description: string;
}

export function cacheRow(entry: CacheEntry, options: { readonly whole: boolean; readonly now: number }): CacheRow {
  const { id, kind, size, created, lastUsed, uses, shared } = entry;
  const [createdAt, lastUsedAt] = [iso(created), iso(lastUsed)];
  return {
    ID: options.whole ? id : id.slice(0, SHORT_ID),
    CacheType: kind,
    Size: humanSize(size),
    CreatedAt: createdAt,
    CreatedSince: humanAge(createdAt, options.now),
    LastUsedAt: lastUsedAt,
    LastUsedSince: humanAge(lastUsedAt, options.now),
    UsageCount: uses === undefined ? '' : String(uses),
    Shared: String(shared),
    Description: entry.description,
  };
}

export function cacheTable(rows: readonly CacheRow[], options: { readonly whole: boolean }): string {
  return renderTable([
    ['ID', 'TYPE', 'SIZE', 'CREATED', 'LAST USED', 'USES', 'SHARED', 'DESCRIPTION'],
    ...rows.map((row) => {
      const description = sanitizeName(sanitizeText(row.Description).replace(/\s*\n\s*/g, ' '));
      return [
        sanitizeName(row.ID),
        row.CacheType,
        row.Size,
        row.CreatedSince,
        row.LastUsedSince,
        row.UsageCount,
        row.Shared,
        options.whole ? description : fit(description, DESCRIPTION_WIDTH),
      ];
    }),
  ]);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
