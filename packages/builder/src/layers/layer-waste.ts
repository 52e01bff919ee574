import type { DeadKind, FileSize, ImageWaste } from '@tsbuild/oci/node';

/** Bytes of an image that nobody needs, and the layer to blame. */
export interface LayerWaste {
  readonly kind: DeadKind | 'duplicated';
  /** The layer that holds them, counted from the lowest, 0. */
  readonly place: number;
  /** The layer whose instruction is to be changed. */
  readonly cause: number;
  readonly bytes: number;
  readonly files: number;
  /** Some of the files, the largest first. */
  readonly largest: readonly FileSize[];
  /** Whether a change of the image's own instructions can save them; what lies in the base is the base's. */
  readonly isOwn: boolean;
}

/**
 * All waste of an image by the layer to blame. Dead bytes in the base image are the base's, as no instruction can take them out
 * again; but content of the base that an instruction stores a second time for another mode or owner is that instruction's.
 */
export function wasteByCause(
  { dead, duplicated, duplicates }: ImageWaste,
  isOwn: (layer: number) => boolean,
): readonly LayerWaste[] {
  const ofDead = dead.map((group): LayerWaste => ({ ...group, isOwn: isOwn(ownedBy(group)) }));
  const ofCopies = duplicated.map(({ layer, bytes, files }): LayerWaste => {
    const copies = duplicates.flatMap(({ size, places }) =>
      places.slice(1).flatMap(({ path, layer: at }) => (at === layer ? [{ path, size }] : [])),
    );
    const largest = copies.toSorted((a, b) => b.size - a.size).slice(0, 10);
    return { kind: 'duplicated', place: layer, cause: layer, bytes, files, largest, isOwn: isOwn(layer) };
  });
  return [...ofDead, ...ofCopies].toSorted((a, b) => a.cause - b.cause || b.bytes - a.bytes);
}

function ownedBy({ kind, place, cause }: { readonly kind: DeadKind; readonly place: number; readonly cause: number }) {
  return kind === 'attributes' ? cause : place;
}
