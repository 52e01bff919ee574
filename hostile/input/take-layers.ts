import { mkdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { byteStringToUtf8, encodeImageConfig, sha256Digest } from '@tsbuild/oci';
import {
  exportTree, fromStoredImage, hostPlatform, indexImage, loadArchive, RootfsTree, unpackImage,
} from '@tsbuild/oci/node'; // biome-ignore format: one list
import type { Digest } from '@tsbuild/oci';
import { chunked, makeTar } from '../../packages/oci/testing/make-tar.ts';
import {
  busyboxBytes,
  busyboxLinks,
  ROOT_DIRECTORIES,
  ROOT_FILES,
} from '../../packages/builder/testing/busybox-root.ts';
import type { Site } from './case.ts';

let base: Uint8Array | undefined;

/** A layer on which commands can run; the attack lies above it. */
export function baseLayer(): Uint8Array {
  base ??= makeTar([
    ...ROOT_DIRECTORIES.map(([name, mode]) => ({ name: `${name}/`, type: '5', mode })),
    { name: 'bin/busybox', mode: 0o755, content: busyboxBytes() },
    ...busyboxLinks().map((name) => ({ name: `bin/${name}`, type: '2', linkName: 'busybox', mode: 0o777 })),
    ...Object.entries(ROOT_FILES).map(([name, content]) => ({ name, content })),
  ]);
  return base;
}

const unzipped = (bytes: Uint8Array): Uint8Array => {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch {
    return bytes; // Damaged on purpose.
  }
};

/** An archive as `docker save` makes it. */
export function dockerArchive(name: string, layers: readonly Uint8Array[], diffIDs?: readonly Digest[]): Uint8Array {
  const config = encodeImageConfig({
    ...hostPlatform(),
    config: { Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: diffIDs ?? layers.map((layer) => sha256Digest(unzipped(layer))) },
  });
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: layers.map((_, i) => `${i}/layer.tar`) }];
  return makeTar([
    { name: 'config.json', content: config },
    ...layers.map((content, i) => ({ name: `${i}/layer.tar`, content })),
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}

/**
 * Does with hostile layers all that tsbuild does with layers: loads them, unpacks them to a folder, writes them out,
 * copies from them, and runs a command on them.
 * @returns the paths that the attack brought into the image, as it is seen by all of these
 * @throws OciError, BuildError
 */
export async function takeLayers(site: Site, layers: readonly Uint8Array[]): Promise<readonly string[]> {
  const { bench, folder, word, sandbox } = site;
  const { layout, indexes } = bench.store;
  const name = `${word}:1`;
  await loadArchive(chunked(dockerArchive(name, [baseLayer(), ...layers])), layout);
  const image = await fromStoredImage(layout.blobs, await layout.resolve(name));
  const { blobs } = layout;
  const tree = new RootfsTree(await indexImage(image, { blobs, indexes }));
  const paths = pathsOf(tree, '');
  const unpacked = join(folder, 'unpacked');
  mkdirSync(unpacked);
  await unpackImage(image, unpacked, { blobs, indexes });
  for await (const _ of exportTree(image, { blobs, indexes }));
  await bench.build(`FROM scratch\nCOPY --from=${name} / /copy/\n`);
  if (sandbox) await bench.build(`FROM ${name}\nRUN true\nRUN [ -x /bin/sh ] && touch /ran\n`);
  return paths;
}

const BASE_PATHS: ReadonlySet<string> = new Set([
  ...ROOT_DIRECTORIES.map(([name]) => name),
  ...Object.keys(ROOT_FILES),
  ...['busybox', ...busyboxLinks()].map((name) => `bin/${name}`),
]);

function pathsOf(tree: RootfsTree, directory: string): readonly string[] {
  return tree.list(directory).flatMap((entry) => {
    const below = entry.type === 'directory' ? pathsOf(tree, entry.path) : [];
    return BASE_PATHS.has(entry.path) ? below : [byteStringToUtf8(entry.path), ...below];
  });
}
