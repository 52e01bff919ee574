import type { BlobStore, Descriptor, Digest } from '@tsbuild/oci';
import { compressLayer } from '@tsbuild/oci/node';
import type { Packing, RemoteRecords } from './remote-records.ts';

/** How layers are packed unless told: the same for pushes and for shared caches, so that one upload serves both. */
export const USUAL_PACKING: Packing = { compression: 'gzip', level: 5 };

/** What {@link packLayer} works with. */
export interface PackWork {
  readonly blobs: BlobStore;
  readonly remotes: RemoteRecords;
  readonly packing: Packing;
  /** Whether the packed blob need not be here, as it is where it is to go. */
  readonly isThere: (blob: Descriptor) => Promise<boolean>;
  /** Called before the layer is read, to see to it that it is here. */
  readonly prepare?: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * The packed form of a layer of the store. Packing is deterministic: what was packed so before is known by its digest, and is
 * packed again only when its bytes are neither here nor where they are to go.
 * @throws OciError of the blob store; the signal's reason
 */
export async function packLayer(diffID: Digest, work: PackWork): Promise<Descriptor> {
  const { blobs, remotes, packing, isThere, signal } = work;
  const known = await remotes.packed(diffID, packing);
  if (known !== undefined && ((await blobs.has(known.digest)) !== undefined || (await isThere(known)))) return known;
  signal.throwIfAborted();
  await work.prepare?.();
  const { descriptor } = await compressLayer(blobs.open(diffID), packing.compression, await blobs.create(), {
    level: packing.level,
  });
  await remotes.putPacked(diffID, packing, descriptor);
  return descriptor;
}
