import { crc32 } from 'node:zlib';
import { sha256Digest } from '../../packages/oci/src/spec/digest.ts';
import type { LayerEntry } from '../../packages/oci/src/layer/layer-entry.ts';
import { COUNT_AT, LayerIndex } from '../../packages/oci/src/layer/layer-index.ts';
import { isCleanPath } from '../../packages/oci/src/layer/layer-path.ts';
import { indexLayer } from '../../packages/oci/src/layer/read-layer.ts';
import { RootfsTree } from '../../packages/oci/src/layer/rootfs-tree.ts';
import type { RootfsLayer } from '../../packages/oci/src/layer/rootfs-tree.ts';
import { walkTree } from '../../packages/oci/src/layer/walk-tree.ts';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateTar } from '../mutate/tar.ts';
import { PLAIN_TAR, tarSeeds } from '../seeds/tars.ts';
import { isRefusal, mustHold, pureTarget } from '../target.ts';
import type { Mutator } from '../target.ts';

/** A few bytes may tell of a sparse file of petabytes. */
const MAX_BYTES = 16 * 1024 * 1024;

async function layerOf(bytes: Uint8Array): Promise<RootfsLayer & { readonly size: number }> {
  const { index, diffID, size } = await indexLayer(chunked(bytes), { maxBytes: MAX_BYTES });
  return { index, info: { digest: diffID }, size };
}

const lower = layerOf(PLAIN_TAR);

function checkEntries(entries: readonly LayerEntry[], index: LayerIndex, size: number): void {
  let before = '';
  for (const entry of entries) {
    mustHold(isCleanPath(entry.path) && entry.path > before, 'paths are not clean or not in order');
    before = entry.path;
    mustHold(JSON.stringify(index.get(entry.path)) === JSON.stringify(entry), 'the index does not find its own entry');
    const parts = entry.sparse ?? [{ position: 0, offset: entry.offset, size: entry.size }];
    mustHold(
      parts.every((part) => part.offset + part.size <= size && part.position + part.size <= entry.size),
      'content lies behind the end of the layer',
    );
    const leads = entry.linksBelow === true ? isCleanPath(entry.linkPath) : index.get(entry.linkPath)?.type === 'file';
    mustHold(entry.type !== 'hardlink' || leads, 'a hard link leads nowhere');
    for (const name of entry.xattrs?.keys() ?? []) mustHold(!name.includes('.overlay.'), 'an attribute of overlayfs');
  }
}

/** Reading a layer that anyone made, and the merged view with it on top: contained paths, or a refusal. */
export const layerReader = pureTarget('layer-reader', {
  seeds: tarSeeds,
  mutate: mutateTar,
  run: async (input) => {
    const layer = await layerOf(input);
    mustHold(layer.info.digest === sha256Digest(input), 'the digest is not that of every byte');
    const entries = [...layer.index.entries()];
    checkEntries(entries, layer.index, input.length);
    const again = LayerIndex.decode(Uint8Array.from(layer.index.encode()));
    mustHold(JSON.stringify([...again.entries()]) === JSON.stringify(entries), 'the index changes when it is kept');
    const tree = new RootfsTree([await lower, layer]);
    let count = 0;
    for (const { entry } of walkTree(tree)) {
      count++;
      mustHold(isCleanPath(entry.path), 'the merged view holds a path that is not clean');
      // Each costs the depth of the path, and paths may be thousands deep.
      if (count > 40) continue;
      const target = tree.resolve(entry.path);
      mustHold(target === undefined || target === '' || isCleanPath(target), 'a path leads out of the root');
      if (entry.type !== 'symlink') mustHold(target === entry.path, 'a path that is there is not found');
    }
    return `${entries.length > 9} ${count > 9} ${entries
      .map(({ type }) => type[0])
      .slice(0, 8)
      .join('')}`;
  },
});

/** Every second time the checksum is made right, so that the changed records are read. */
const mutateIndex: Mutator = (input, random, corpus) => {
  const out = Buffer.from(mutateBytes(input, random, corpus));
  if (out.length >= COUNT_AT && random.oneIn(2)) out.writeUInt32LE(crc32(out.subarray(COUNT_AT)), COUNT_AT - 4);
  return out;
};

/**
 * The files of layer indexes. Damage is told by the checksum; behind a right one everything is believed, as the files are
 * the store's own. A forged one must still not hang, nor read outside of its bytes.
 */
export const layerIndex = pureTarget('layer-index', {
  seeds: async () => {
    const indexes: Uint8Array[] = [];
    for (const bytes of tarSeeds()) {
      try {
        indexes.push((await layerOf(bytes)).index.encode());
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
    return indexes;
  },
  mutate: mutateIndex,
  run: (input) => {
    const index = LayerIndex.decode(Uint8Array.from(input));
    try {
      const entries = [...index.entries()].slice(0, 50);
      for (const { path } of entries) [...index.children(path)].slice(0, 50).forEach(({ name }) => index.get(name));
      return `${entries.length > 0}`;
    } catch (error) {
      // Buffer's own bounds.
      if (error instanceof RangeError && 'code' in error) return 'out of range';
      throw error;
    }
  },
});
