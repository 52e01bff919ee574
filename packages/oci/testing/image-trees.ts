import { execFileSync } from 'node:child_process';
import { MemoryBlobStore } from '../src/blob/memory.ts';
import { exportTree } from '../src/image/export-tree.ts';
import type { Image } from '../src/image/image-value.ts';
import { diffDirectories } from '../src/disk/diff-directories.ts';
import { makeState } from './disk-state.ts';
import type { DiskState } from './disk-state.ts';

/** All chunks of a stream, as one. */
export async function collect(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The files of an image as GNU tar extracts its export: into `root`, which is returned. */
export async function exported(image: Image, root: string): Promise<string> {
  extractTar(await collect(exportTree(image)), root);
  return root;
}

/** What GNU tar, as root, makes of an archive of a root filesystem. */
export function extractTar(tar: Uint8Array, root: string): void {
  execFileSync('tar', ['-xpf', '-', '--numeric-owner', '-C', root], {
    input: tar,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

/** The layers that lead from each state to the next; `folder` makes an empty directory. */
export async function layersBetween(
  states: readonly DiskState[],
  folder: () => string,
): Promise<readonly Uint8Array[]> {
  const layers: Uint8Array[] = [];
  let before: string | undefined;
  for (const state of states) {
    const after = folder();
    makeState(after, state);
    const blobs = new MemoryBlobStore();
    const { digest } = await diffDirectories(before, after, await blobs.create());
    layers.push(await collect(blobs.open(digest)));
    before = after;
  }
  return layers;
}
