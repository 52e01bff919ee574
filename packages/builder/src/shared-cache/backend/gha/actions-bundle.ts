import { gunzipSync, gzipSync } from 'node:zlib';
import { type Digest, isDigest, sha256Digest } from '@tsbuild/oci';
import { hintTextsIn } from '../hint-texts.ts';

/** Where in an entry of several small blobs one of them lies. */
export interface PackedPlace {
  readonly entry: string;
  readonly offset: number;
}

/** What a build leaves: the records, and where the small blobs are. */
export interface ActionsBundle {
  readonly texts: readonly string[];
  readonly packed: ReadonlyMap<Digest, PackedPlace>;
  /** The indexes of the layers, in one blob, which lies in the bundle itself: it saves two requests. */
  readonly indexes?: { readonly digest: Digest; readonly bytes: Uint8Array };
}

const FORMAT = 'tsbuild.gha.v1';
const UNPACKED_LIMIT = 16 * 1024 * 1024;

/** Bytes of a packed bundle that a reader looks at. */
export const BUNDLE_LIMIT = 4 * 1024 * 1024;

/** Bytes of indexes that travel in a bundle; of a build with more, each is asked for when it is needed. */
export const BUNDLED_INDEXES_LIMIT = 2 * 1024 * 1024;

/** Packs a bundle: gzip of JSON. */
export function encodeActionsBundle({ texts, packed, indexes }: ActionsBundle): Uint8Array {
  const places = Object.fromEntries([...packed].map(([digest, { entry, offset }]) => [digest, [entry, offset]]));
  const bundled = indexes === undefined ? {} : { indexes: Buffer.from(indexes.bytes).toString('base64') };
  return gzipSync(JSON.stringify({ format: FORMAT, texts, packed: places, ...bundled }));
}

/** Reads a bundle; undefined of what is none. */
export function decodeActionsBundle(bytes: Uint8Array): ActionsBundle | undefined {
  try {
    const json = gunzipSync(bytes, { maxOutputLength: UNPACKED_LIMIT }).toString('utf8');
    const { format, texts, packed, indexes } = JSON.parse(json) as Readonly<Record<string, unknown>>;
    const read = hintTextsIn(Buffer.from(JSON.stringify(texts)));
    if (format !== FORMAT || read === undefined) return undefined;
    const bundled = typeof indexes === 'string' ? Buffer.from(indexes, 'base64') : undefined;
    const own = bundled === undefined ? {} : { indexes: { digest: sha256Digest(bundled), bytes: bundled } };
    return { texts: read, packed: placesIn(packed), ...own };
  } catch {
    return undefined;
  }
}

function placesIn(value: unknown): ReadonlyMap<Digest, PackedPlace> {
  const places = new Map<Digest, PackedPlace>();
  for (const [digest, place] of Object.entries(typeof value === 'object' && value !== null ? value : {})) {
    const [entry, offset] = Array.isArray(place) ? (place as readonly unknown[]) : [];
    const isPlace =
      typeof entry === 'string' && typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0;
    if (isDigest(digest) && isPlace) places.set(digest, { entry, offset });
  }
  return places;
}
