import type { ContentSource } from './content-source.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import type { ContentOrigin } from './image-value.ts';
import { decodeManifest } from '../spec/manifest.ts';
import { isIndexType, isManifestType } from '../spec/media-type.ts';

/** Where content is copied to. */
export interface ContentSink {
  /** Stores a blob; calls `open` only when it is not there already. */
  blob(descriptor: Descriptor, open: () => AsyncIterable<Uint8Array>, origin?: ContentOrigin): Promise<void>;
  /** Stores a manifest or index, after everything that it names. `isRoot` for the one that was asked for. */
  document(descriptor: Descriptor, bytes: Uint8Array, isRoot: boolean): Promise<void>;
}

/** Choices of copying. */
export interface CopyOptions {
  /** Says of what an index names whether the source lacks it: then it is left out. Unless told all must be there. */
  readonly isAbsent?: (descriptor: Descriptor) => Promise<boolean>;
  /** Blobs at once; 4 unless told. */
  readonly parallel?: number;
  readonly signal?: AbortSignal;
}

/** An index within an index within … : deeper than this is an attack, not an image. */
const DEPTH_LIMIT = 4;
/** Documents are kept until their blobs are copied. */
const DOCUMENTS_LIMIT = 1000;

/**
 * Copies a manifest or index with everything behind it. Blobs come first, several at once and each once; documents follow,
 * inner ones first, so that nothing is ever named before it is there.
 * @throws OciError of source and sink, `LIMIT_EXCEEDED` for absurd indexes; the first failure ends the copy
 * @example
 *   await copyContent(blobContent(blobs), descriptor, blobSink(target));
 */
export async function copyContent(
  source: ContentSource,
  root: Descriptor,
  sink: ContentSink,
  options: CopyOptions = {},
): Promise<void> {
  const plan: Plan = { documents: new Map(), blobs: new Map() };
  await gather(source, root, plan, options, 0);
  await copyBlobs(source, [...plan.blobs.values()], sink, options);
  for (const { descriptor, bytes } of plan.documents.values()) {
    options.signal?.throwIfAborted();
    await sink.document(descriptor, bytes, descriptor.digest === root.digest);
  }
}

interface Plan {
  /** Inner ones first. */
  readonly documents: Map<Digest, { readonly descriptor: Descriptor; readonly bytes: Uint8Array }>;
  readonly blobs: Map<Digest, Descriptor>;
}

async function gather(
  source: ContentSource,
  descriptor: Descriptor,
  plan: Plan,
  options: Pick<CopyOptions, 'signal' | 'isAbsent'>,
  depth: number,
): Promise<void> {
  if (plan.documents.has(descriptor.digest)) return;
  if (depth > DEPTH_LIMIT || plan.documents.size >= DOCUMENTS_LIMIT) {
    throw new OciError(
      'LIMIT_EXCEEDED',
      `image index ${descriptor.digest} is nested more than ${DEPTH_LIMIT} deep, or leads to more than ${DOCUMENTS_LIMIT} manifests`,
    );
  }
  const bytes = await source.document(descriptor, options.signal);
  if (isIndexType(descriptor.mediaType)) {
    const { manifests } = decodeImageIndex(bytes, descriptor.mediaType);
    for (const inner of manifests) {
      if ((await options.isAbsent?.(inner)) === true) continue;
      // An index may name blobs: the cache that BuildKit exports is one of layers and their config (moby/buildkit#2251).
      if (isIndexType(inner.mediaType) || isManifestType(inner.mediaType)) {
        await gather(source, inner, plan, options, depth + 1);
      } else if (!isForeign(inner)) plan.blobs.set(inner.digest, inner);
    }
  } else {
    const { config, layers } = decodeManifest(bytes, descriptor.mediaType);
    for (const blob of [config, ...layers]) if (!isForeign(blob)) plan.blobs.set(blob.digest, blob);
  }
  plan.documents.set(descriptor.digest, { descriptor, bytes });
}

/** Layers that may not be distributed lie at their URLs, which are never followed; their descriptors are all there is. */
function isForeign({ mediaType, urls }: Descriptor): boolean {
  return (urls?.length ?? 0) > 0 && /\.(?:nondistributable|foreign)\./.test(mediaType);
}

async function copyBlobs(
  source: ContentSource,
  blobs: readonly Descriptor[],
  sink: ContentSink,
  { parallel = 4, signal }: CopyOptions,
): Promise<void> {
  // One failure ends the others: their work would be thrown away.
  const stop = new AbortController();
  const both = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const waiting = blobs.toReversed();
  const worker = async (): Promise<void> => {
    for (let blob = waiting.pop(); blob !== undefined; blob = waiting.pop()) {
      both.throwIfAborted();
      const descriptor = blob;
      await sink.blob(descriptor, () => source.blob(descriptor, both), source.origin?.(descriptor));
    }
  };
  const guarded = async (): Promise<void> => {
    try {
      await worker();
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.max(1, parallel) }, guarded));
  signal?.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
