import {
  BuildError,
  type CacheSpec,
  listSharedCache,
  parseCacheSpecs,
  pruneSharedCache,
  type SharedCacheEntry,
} from '@tsbuild/builder';
import { digestHex } from '@tsbuild/oci/node';
import { UsageError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import { humanAge, humanSize } from '../../output/human.ts';
import { sanitizeName } from '../../output/sanitize.ts';
import { renderTable } from '../../output/table.ts';
import { fit } from '../../output/width.ts';
import { registryOptions } from '../../registry/registry-config.ts';

/** The option of commands that look after a shared cache in place of the store's. */
export const remoteOption = {
  kind: 'value',
  placeholder: 'REF|type=TYPE,…',
  describe: 'Of a shared cache instead, as --cache-from of build names it',
} as const;

const DESCRIPTION_WIDTH = 60;

/** A row for people and programs. */
export interface RemoteRow {
  readonly key: string;
  readonly operation: string;
  readonly size: number;
  /** Seconds since 1970; 0 where nobody knows. */
  readonly created: number;
  readonly written: number;
  readonly signed: boolean;
  readonly source: string;
  /** Why it does not count here; empty when it does. */
  readonly fault: string;
}

/** @throws UsageError */
export function remoteSpec(text: string, command: string): CacheSpec {
  try {
    const [spec] = parseCacheSpecs('cache-from', text).specs;
    if (spec !== undefined) return spec;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new UsageError(error.message.replace('--cache-from', '--remote'), { command, ...hintOf(error) });
  }
  throw new UsageError('--remote names no cache', { command });
}

function hintOf({ hint }: BuildError): { readonly hint?: string } {
  return hint === undefined ? {} : { hint };
}

export async function listRemote(spec: CacheSpec, format: 'table' | 'json', host: Host): Promise<void> {
  const way = { spec, registry: await registryOptions(host), now: host.now, signal: host.signal };
  const rows: RemoteRow[] = [];
  let total = 0;
  for await (const entry of listSharedCache(way)) {
    total += entry.size;
    const row = remoteRow(entry);
    if (format === 'json') host.stdout.write(`${JSON.stringify(row)}\n`);
    else rows.push(row);
  }
  if (format === 'json') return;
  host.stdout.write(remoteTable(rows, host.now()));
  host.stdout.write(`\n${rows.length} records, ${humanSize(total)} where no layer is shared\n`);
}

/** What `cache prune --remote` goes by. */
export interface RemotePrune {
  readonly olderThan?: number;
  readonly keepBytes?: number;
  readonly dryRun: boolean;
}

export async function pruneRemote(spec: CacheSpec, choice: RemotePrune, host: Host): Promise<void> {
  const way = { spec, registry: await registryOptions(host), now: host.now, signal: host.signal };
  const rows: RemoteRow[] = [];
  const { removed, bytes, kept } = await pruneSharedCache({
    ...way,
    ...choice,
    onRemoved: (entry) => void rows.push(remoteRow(entry)),
  });
  if (rows.length > 0) host.stdout.write(`${remoteTable(rows, host.now())}\n`);
  const what = choice.dryRun ? 'would be removed' : 'removed';
  host.stdout.write(`${removed} records (${humanSize(bytes)}) ${what}, ${kept} stay\n`);
  if (removed > 0 && !choice.dryRun) host.stdout.write('The bytes go when the registry collects its garbage.\n');
}

export function remoteRow({ key, record, fault, size, written }: SharedCacheEntry): RemoteRow {
  return {
    key: digestHex(key),
    operation: record?.operation ?? '',
    size,
    created: Math.floor((record?.created ?? 0) / 1000),
    written: Math.floor(written / 1000),
    signed: record?.signature !== undefined,
    source: record?.step?.source ?? '',
    fault: fault ?? '',
  };
}

export function remoteTable(rows: readonly RemoteRow[], now: number): string {
  const newestFirst = rows.toSorted((a, b) => b.written - a.written || (a.key < b.key ? -1 : 1));
  return renderTable([
    ['KEY', 'TYPE', 'SIZE', 'MADE', 'WRITTEN', 'SIGNED', 'STEP'],
    ...newestFirst.map(({ key, operation, size, created, written, signed, source, fault }) => [
      key.slice(0, 12),
      sanitizeName(operation),
      humanSize(size),
      age(created, now),
      age(written, now),
      signed ? 'yes' : 'no',
      fit(fault === '' ? sanitizeName(source.replace(/\s+/g, ' ')) : `(${sanitizeName(fault)})`, DESCRIPTION_WIDTH),
    ]),
  ]);
}

function age(seconds: number, now: number): string {
  return seconds === 0 ? '-' : humanAge(new Date(seconds * 1000).toISOString(), now);
}
