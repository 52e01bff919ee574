import type { Descriptor, Digest } from '@tsbuild/oci';

/** A blob that a record names, packed, and where its bytes come from. */
export interface SharedBlob {
  readonly blob: Descriptor;
  /** Of the unpacked bytes. */
  readonly diffID: Digest;
  /** Called only when the place lacks the blob; again when a transfer begins anew. */
  readonly open: () => AsyncIterable<Uint8Array>;
  /** A registry's repository that has it, from which it may be mounted. */
  readonly origin?: { readonly registry: string; readonly repository: string };
}

/** A record on its way to others. */
export interface RecordToPut {
  readonly key: Digest;
  /** Of `encodeSharedRecord`. */
  readonly text: string;
  /** What it names: stored before it. */
  readonly blobs: readonly SharedBlob[];
}

/** A record as a place has it, for those who look after the place. */
export interface ListedRecord {
  readonly key: Digest;
  readonly text: string;
  /** Bytes of the blobs that it names, as far as the place tells. */
  readonly size: number;
  /** When it was last written, where that is known, milliseconds since 1970. */
  readonly written?: number;
}

/** What was found where the hints lie. */
export type FoundHints =
  /** `foreign`: the hints lie beside somebody else's content, which is this. */
  | {
      readonly kind: 'hints';
      readonly texts: readonly string[];
      readonly foreign?: string;
      /** The indexes of the layers, in one blob. */
      readonly pack?: Descriptor;
    }
  | { readonly kind: 'nothing' }
  /** Somebody else's: never overwritten. `what` says what it is, for people. */
  | { readonly kind: 'foreign'; readonly what: string };

/**
 * A seam: a place that many builders share records through. Contract suite: `cacheBackendContract()` in `testing/`.
 *
 * The truth is one record for each key. *Hints* are copies of the records of the latest builds in one piece, so that a
 * build need not ask for each: losing them costs requests and nothing else. Texts are unverified when they are read, and
 * the bytes of blobs are verified against their digests while they are. Every method takes a signal and rejects with its
 * reason; whatever else is thrown is a failure of the place, which costs a hit and never a build.
 */
export interface CacheBackend extends AsyncDisposable {
  /** What it is to people: `registry reg.example/team/app-cache:main`. */
  readonly name: string;
  /** The attributes by which it can be opened again, without secrets: `type=registry,ref=…`. */
  readonly spec: string;
  /** What signatures are bound to: the same for all who mean this place, by whatever host name. */
  readonly scope: string;
  /** The record of a key; undefined when there is definitely none. One request. */
  find(key: Digest, signal: AbortSignal): Promise<string | undefined>;
  /** The hints. At most one request more than one. */
  hints(signal: AbortSignal): Promise<FoundHints>;
  /** The bytes of a blob as it is packed. Nothing is asked for before the first `next()`. @throws OciError `BLOB_CORRUPT` */
  open(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** The registry's repository that blobs lie in, if it is one. */
  readonly repository?: { readonly registry: string; readonly repository: string };
  /**
   * Stores what the record names, where it is lacking, and then the record, in place of one that is there. Readers see the
   * old record or the new one; none whose blobs are missing. Two writers of one key end with either.
   * @throws OciError `REGISTRY_DENIED`, or of that code's kind, when this builder may only read
   */
  put(record: RecordToPut, signal: AbortSignal): Promise<void>;
  /** Replaces the hints; records whose blobs are gone may be left out. Never overwrites what is not ours. */
  putHints(records: readonly RecordToPut[], signal: AbortSignal, pack?: SharedBlob): Promise<void>;
  /** All records, in any order. */
  list(signal: AbortSignal): AsyncIterable<ListedRecord>;
  /** Removes a record; its blobs go when the place finds nobody needs them. @throws OciError when the place cannot delete */
  remove(key: Digest, signal: AbortSignal): Promise<void>;
}
