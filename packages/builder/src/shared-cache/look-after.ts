import type { Digest } from '@tsbuild/oci';
import type { RegistryOptions } from '@tsbuild/oci/node';
import type { CacheBackend } from './backend/cache-backend.ts';
import { openBackend } from './backend/open-backend.ts';
import { messageOf } from './cache-place.ts';
import { cacheTrust } from './cache-trust.ts';
import type { CacheSpec } from './flags/cache-spec.ts';
import { backendAccess } from './layers-at-hand.ts';
import { judgeRecord } from './record/judge-record.ts';
import { namedBlobs } from './record/record-blobs.ts';
import { decodeSharedRecord, type SharedRecord } from './record/shared-record.ts';
import { pruneHints } from './prune-hints.ts';
import { unpackSidecar } from './record/sidecar.ts';

/** A record of a shared cache, for whoever looks after it. */
export interface SharedCacheEntry {
  readonly key: Digest;
  /** Absent of one that cannot be read. */
  readonly record?: SharedRecord;
  /** Why it does not count here. */
  readonly fault?: string;
  /** Bytes of what it names, packed. */
  readonly size: number;
  /** When it was last written, milliseconds since 1970; 0 where nobody knows. */
  readonly written: number;
}

/** Where a shared cache is, and how it is reached. */
export interface LookAfterOptions {
  readonly spec: CacheSpec;
  readonly registry: RegistryOptions;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** All records of a shared cache, in no order, as they are read: there may be tens of thousands. @throws as the place does */
export async function* listSharedCache(options: LookAfterOptions): AsyncGenerator<SharedCacheEntry, void, undefined> {
  await using place = await openBackend(options.spec, backendAccess(options.registry));
  yield* entriesOf(place, options);
}

/** What {@link pruneSharedCache} removes. */
export interface SharedPruneOptions extends LookAfterOptions {
  /** Milliseconds since the record was written or touched. */
  readonly olderThan?: number;
  /** Bytes that may stay: of the others, the oldest go. Layers that several records name count once. */
  readonly keepBytes?: number;
  readonly dryRun: boolean;
  readonly onRemoved?: (entry: SharedCacheEntry) => void;
}

/**
 * Removes records from a shared cache, and their hints; the bytes of their layers go when the registry collects its garbage. A build that
 * had read one of them runs its step when it needs the layer. @throws as the place does
 */
export async function pruneSharedCache(
  options: SharedPruneOptions,
): Promise<{ readonly removed: number; readonly bytes: number; readonly kept: number }> {
  await using place = await openBackend(options.spec, backendAccess(options.registry));
  const entries: SharedCacheEntry[] = [];
  for await (const entry of entriesOf(place, options)) entries.push(entry);
  const going = chosen(entries, options);
  let bytes = 0;
  for (const entry of going) {
    if (!options.dryRun) await place.remove(entry.key, options.signal);
    bytes += entry.size;
    options.onRemoved?.(entry);
  }
  if (!options.dryRun) {
    const gone = new Set(going);
    const kept = new Set(entries.filter((entry) => !gone.has(entry)).map(({ key }) => key));
    await pruneHints(place, (key) => kept.has(key), options.signal);
  }
  return { removed: going.length, bytes, kept: entries.length - going.length };
}

function chosen(
  entries: readonly SharedCacheEntry[],
  { olderThan, keepBytes, now }: SharedPruneOptions,
): readonly SharedCacheEntry[] {
  const seen = new Set<Digest>();
  let kept = 0;
  const going: SharedCacheEntry[] = [];
  for (const entry of entries.toSorted((a, b) => b.written - a.written || (a.key < b.key ? -1 : 1))) {
    const { record } = entry;
    const blobs = record === undefined ? [] : namedBlobs(record).map(({ blob }) => blob);
    const more = blobs.reduce((sum, { digest, size }) => sum + (seen.has(digest) ? 0 : size), 0);
    const isOld = olderThan !== undefined && now() - entry.written > olderThan;
    // What cannot be read is nobody's.
    if (record === undefined || isOld || (keepBytes !== undefined && kept + more > keepBytes)) going.push(entry);
    else {
      kept += more;
      for (const { digest } of blobs) seen.add(digest);
    }
  }
  return going;
}

/**
 * Reads everything that a shared cache has: each record, and with `content` the bytes of all that it names.
 * @returns the records with what is wrong with them. @throws as the place does
 */
export async function* verifySharedCache(
  options: LookAfterOptions & { readonly content: boolean },
): AsyncGenerator<SharedCacheEntry, void, undefined> {
  await using place = await openBackend(options.spec, backendAccess(options.registry));
  for await (const entry of entriesOf(place, options)) {
    const fault = entry.fault ?? (options.content ? await contentFault(entry, place, options.signal) : undefined);
    yield fault === undefined ? entry : { ...entry, fault };
  }
}

async function contentFault(
  { record }: SharedCacheEntry,
  place: CacheBackend,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (record?.blob !== undefined) for await (const _ of place.open(record.blob, signal));
    if (record?.sidecar !== undefined) await unpackSidecar(place.open(record.sidecar.blob, signal));
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

async function* entriesOf(
  place: CacheBackend,
  { spec, registry, now, signal }: LookAfterOptions,
): AsyncGenerator<SharedCacheEntry, void, undefined> {
  const trust = cacheTrust(spec, registry.environment ?? process.env);
  for await (const { key, text, written } of place.list(signal)) {
    const decoded = decodeSharedRecord(text);
    const judged = judgeRecord(text, key, { ...trust, scope: place.scope, now: now() });
    const record = typeof decoded === 'string' ? undefined : decoded;
    const blobs = record === undefined ? [] : namedBlobs(record);
    yield {
      key,
      ...(record === undefined ? {} : { record }),
      ...(typeof judged === 'string' ? { fault: judged } : {}),
      size: blobs.reduce((sum, { blob }) => sum + blob.size, 0),
      written: written ?? Math.max(record?.created ?? 0, record?.touched ?? 0),
    };
  }
}
