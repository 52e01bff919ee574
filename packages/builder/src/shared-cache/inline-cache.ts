import type { Digest } from '@tsbuild/oci';
import type { CacheRecord } from '../cache/cache-store.ts';
import type { LayerOutput } from '../ops/rootfs.ts';
import { packLayer, USUAL_PACKING } from '../source/pack-layer.ts';
import type { Store } from '../store/store.ts';
import type { RecordToPut } from './backend/cache-backend.ts';
import { inlineAnnotation } from './backend/hint-texts.ts';
import { encodeSharedRecord } from './record/shared-record.ts';
import { sharedStep } from './record/shared-step.ts';

/** What makes an annotation of records. */
export interface InlineCacheInput {
  readonly records: ReadonlyMap<Digest, CacheRecord<LayerOutput>>;
  /** Of the image. */
  readonly layers: readonly { readonly digest: Digest }[];
  readonly store: Store;
  /** `SOURCE_DATE_EPOCH`, seconds: the image's times are this one, and so are those of the records. */
  readonly epoch: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * The records of an image's own layers as an annotation of its manifest (`type=inline`): the config, and so the image ID, is
 * what it is without. Undefined when no layer has a record.
 */
export async function inlineCacheAnnotation(
  input: InlineCacheInput,
): Promise<readonly [name: string, value: string] | undefined> {
  const puts: RecordToPut[] = [];
  for (const { digest } of input.layers) {
    const record = input.records.get(digest);
    const put = record === undefined ? undefined : await inlineRecord(record, input);
    if (put !== undefined) puts.push(put);
  }
  return puts.length === 0 ? undefined : inlineAnnotation(puts);
}

async function inlineRecord(
  { key, preimage, origin, output, created, milliseconds }: CacheRecord<LayerOutput>,
  { store, epoch, signal }: InlineCacheInput,
): Promise<RecordToPut | undefined> {
  const { digest, size } = output.layer;
  const { blobs } = store.layout;
  const remote = await store.remotes.layer(digest);
  const isHere = (await blobs.has(digest)) !== undefined;
  if (!isHere && remote === undefined) return undefined;
  const work = { blobs, remotes: store.remotes, packing: USUAL_PACKING, isThere: async () => false, signal };
  // As a push packs it, or takes it from where it lies.
  const packed = isHere ? await packLayer(digest, work) : remote?.descriptor;
  if (packed === undefined) return undefined;
  const { mediaType, digest: blobDigest, size: blobSize } = packed;
  const step = origin === undefined ? undefined : sharedStep(preimage, origin);
  const text = encodeSharedRecord({
    key,
    operation: preimage.operation,
    diffID: digest,
    size,
    contentSize: await store.indexes.contentSize(digest),
    blob: { mediaType, digest: blobDigest, size: blobSize },
    created: epoch === undefined ? created : epoch * 1000,
    milliseconds: epoch === undefined ? milliseconds : 0,
    ...(step === undefined ? {} : { step }),
  });
  return { key, text, blobs: [] };
}
