import { type ByteString, sha256Digest, utf8ToByteString } from '@tsbuild/oci';
import { LayerWriter, type RootfsEntry, type RootfsTree } from '@tsbuild/oci/node';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { PreparedStep, StepVertex, Vertex } from '../solver/vertex.ts';
import type { OpDependencies } from './dependencies.ts';
import { locate } from './locate.ts';
import { printablePath } from './listing.ts';
import { type Owner, resolveOwner } from './copy/ownership.ts';
import { SETGID } from './copy/written-tree.ts';
import { EMPTY_ROOTFS, type LayerOutput, type Rootfs, withLayer } from './rootfs.ts';

/** A WORKDIR with everything expanded. */
export interface WorkdirRequest {
  readonly id: string;
  readonly range: SourceRange;
  readonly parent: Vertex<Rootfs, LayerOutput>;
  /** Absolute and clean, not `/`. */
  readonly path: string;
  /** The current USER: who owns folders that are made. */
  readonly user: string;
  readonly ignoreCache: boolean;
}

/** One folder of the layer: one that is made, or one on the way that the parent has. */
interface Folder extends Owner {
  readonly path: ByteString;
  readonly mode: number;
}

/** WORKDIR as a vertex: makes what is missing of the path, 0755 and owned by the current user; nothing may be missing. */
export function workdirStep(request: WorkdirRequest, dependencies: OpDependencies): StepVertex<Rootfs, LayerOutput> {
  return {
    kind: 'step',
    id: request.id,
    inputs: [request.parent],
    ignoreCache: request.ignoreCache,
    prepare: ([parent]) => locate(request.range, () => prepare(request, dependencies, parent ?? EMPTY_ROOTFS)),
    complete: ([parent], output) => withLayer(parent ?? EMPTY_ROOTFS, output.layer),
  };
}

async function prepare(
  request: WorkdirRequest,
  deps: OpDependencies,
  parent: Rootfs,
): Promise<PreparedStep<LayerOutput>> {
  const tree = await deps.trees.treeOf(parent);
  if (/[a-z]/i.test(request.user)) await deps.layers.ensure(parent.layers);
  const path = tree.resolveForWrite(utf8ToByteString(request.path.slice(1)));
  const folders = foldersOf(path, tree, () => resolveOwner(request.user, tree, deps.blobs, () => {}));
  const listing = folders
    .map(
      ({ path: folder, mode, uid, gid }) =>
        `directory ${mode.toString(8).padStart(4, '0')} ${uid}:${gid} ${printablePath(folder)}\n`,
    )
    .join('');
  return {
    preimage: {
      operation: 'workdir',
      definition: { epoch: deps.epoch ?? null },
      inputs: [{ name: 'folders', id: sha256Digest(listing), listing }],
    },
    execute: async () => {
      const writer = new LayerWriter(await deps.blobs.create());
      const seconds = deps.epoch ?? Math.floor(Date.now() / 1000);
      for (const folder of folders) writer.add({ ...folder, type: 'directory', mtime: { seconds, nanoseconds: 0 } });
      const layer = await writer.finish();
      await deps.trees.remember(layer.digest, layer.index);
      return { layer: { digest: layer.digest, size: layer.size } };
    },
    discard: async () => {},
  };
}

/** The folders that the layer holds: those that are made and their existing parents; none when nothing is missing. */
function foldersOf(path: ByteString, tree: RootfsTree, owner: () => Owner): readonly Folder[] {
  const folders: Folder[] = [];
  let missing = false;
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/');
    const existing: RootfsEntry | undefined = missing ? undefined : tree.lookup(folder);
    if (existing !== undefined && existing.type !== 'directory') {
      throw new BuildError('COPY_FAILED', `WORKDIR: /${printablePath(folder)} is not a directory in the image`);
    }
    missing = existing === undefined;
    folders.push(
      existing === undefined
        ? { path: folder, mode: 0o755 | ((folders.at(-1)?.mode ?? 0) & SETGID), ...owner() }
        : { path: folder, mode: existing.mode, uid: existing.uid, gid: existing.gid },
    );
  }
  return missing ? folders : [];
}
