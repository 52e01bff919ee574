import { gzipSync } from 'node:zlib';
import { encodeColumns } from './encode-columns.ts';
import type { ColumnEntry } from './entry-columns.ts';
import type { PageSummary } from './page-data.ts';
import { staticTables } from './static-tables.ts';

/** What a page says of one image, in the forms that it can lie in. */
export interface PageContent {
  readonly title: string;
  /** JSON in base64: an alphabet that cannot end the element it is in, whatever an image calls its files. */
  readonly summary: string;
  /** The columns of the entries, gzip, base64. */
  readonly entries: string;
  /** For readers without scripts: HTML. */
  readonly tables: string;
}

/** Puts everything that a page shows into letters. */
export function pageContent(summary: PageSummary, entries: readonly ColumnEntry[]): PageContent {
  return {
    title: `${summary.name} · tsbuild explore`,
    summary: Buffer.from(JSON.stringify(summary)).toString('base64'),
    entries: gzipSync(encodeColumns(entries), { level: 6 }).toString('base64'),
    tables: staticTables(summary),
  };
}
