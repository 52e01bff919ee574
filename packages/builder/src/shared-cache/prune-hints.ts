import type { Digest } from '@tsbuild/oci';
import type { CacheBackend } from './backend/cache-backend.ts';
import { once } from './bytes.ts';
import { decodeSharedRecord, type SharedRecord } from './record/shared-record.ts';
import { packIndexes, unpackIndexes } from './record/sidecar.ts';
import { storedRecord } from './record-maker.ts';

/**
 * Takes hints of records away that are not there any more. Builds would believe them and not write those records again; and in a
 * registry the hints keep the layers of all that they name.
 */
export async function pruneHints(
  place: CacheBackend,
  isThere: (key: Digest) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const hints = await place.hints(signal);
  if (hints.kind !== 'hints') return;
  const hinted = hints.texts.map(decodeSharedRecord);
  const kept = hinted.filter((record): record is SharedRecord => typeof record !== 'string' && isThere(record.key));
  if (kept.length === hinted.length) return;
  const named = new Set(kept.map(({ sidecar }) => sidecar?.index));
  const all = hints.pack === undefined ? [] : [...(await unpackIndexes(place.open(hints.pack, signal)))];
  const indexes = new Map(all.filter(([digest]) => named.has(digest)));
  if (indexes.size === 0) return await place.putHints(kept.map(storedRecord), signal);
  const { blob, diffID, bytes } = await packIndexes(indexes);
  await place.putHints(kept.map(storedRecord), signal, { blob, diffID, open: () => once(bytes) });
}
