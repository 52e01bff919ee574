import { makeTar, type RawMember } from '../../../oci/testing/make-tar.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';
import { CopyBench, type CopyCase } from './copy-bench.ts';

export const dir = (name: string, more: Partial<RawMember> = {}): RawMember => ({
  name,
  type: '5',
  mode: 0o755,
  ...more,
});
export const file = (name: string, content = '', more: Partial<RawMember> = {}): RawMember => ({
  name,
  content,
  ...more,
});
export const symlink = (name: string, linkName: string): RawMember => ({ name, type: '2', linkName });
export const link = (name: string, linkName: string, more: Partial<RawMember> = {}): RawMember => ({
  name,
  type: '1',
  linkName,
  ...more,
});

/** A tree with an archive beside another file. */
export const holding = (bytes: Uint8Array, name = 'a.tar'): MemoryTree =>
  MemoryTree.of('file other x').withFile(name, bytes);

/** ADD of an archive to `/dst`, over an image that `parent` describes: the lines of the layer. */
export async function unpacked(members: readonly RawMember[], parent = '', options: CopyCase = {}): Promise<string[]> {
  const bench = new CopyBench();
  const rootfs = parent === '' ? undefined : await bench.rootfs(parent);
  const add = { sources: ['a.tar'], destination: '/dst', unpack: true, ...options };
  return bench.copy(holding(makeTar(members)), rootfs, add);
}
