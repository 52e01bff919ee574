import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { temporaryPath } from '@tsbuild/oci/internal';
import { applyLayer, diffDirectories, DirectoryBlobStore } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { CacheMounts } from '../mounts/cache-mounts.ts';
import type { Store } from './store.ts';

/** Which cache mount, by the names that RUN gives it. */
export interface CacheMountName {
  /** `id=` of the mount, or its target as it is written. */
  readonly id: string;
  /** `BUILDKIT_CACHE_MOUNT_NS`; default none. */
  readonly namespace?: string;
}

/**
 * Writes the content of a cache mount as a tar archive: of the cache that a command last took under this name. The same
 * content makes the same bytes.
 * @throws BuildError `SOURCE_NOT_FOUND` when there is no such cache
 */
export async function exportCacheMount(
  { id, namespace = '' }: CacheMountName,
  store: Store,
  write: (chunk: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const caches = new CacheMounts(store.directory('cache-mounts'));
  const temporary = temporaryDirectory(store);
  try {
    const blobs = new DirectoryBlobStore(temporary);
    const exported = await caches.read(
      id,
      namespace,
      async (directory) => diffDirectories(undefined, directory, await blobs.create(), { signal }),
      signal,
    );
    if (exported === undefined) throw noCache(id, caches);
    for await (const chunk of createReadStream(blobs.path(exported.digest))) await write(chunk as Uint8Array);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Puts the content of a tar archive (plain, gzip or zstd) into a cache mount, over what it has. Where no build has made
 * the cache yet, the first that does finds the content.
 * @throws OciError `LAYER_INVALID`, `TAR_INVALID`: nothing is written then, and never anything outside the cache
 */
export async function importCacheMount(
  { id, namespace = '' }: CacheMountName,
  archive: AsyncIterable<Uint8Array>,
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  const temporary = temporaryDirectory(store);
  try {
    const fill = (directory: string): Promise<void> =>
      applyLayer(archive, directory, { temporaryDirectory: temporary, signal });
    await new CacheMounts(store.directory('cache-mounts')).import(id, namespace, fill, signal);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** On the store's own disk: caches are large, and the system's folder may be memory. */
function temporaryDirectory(store: Store): string {
  const path = temporaryPath(store.directory('tmp'), 'cache-mount');
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

function noCache(id: string, caches: CacheMounts): BuildError {
  const known = [...new Set(caches.list().map((cache) => cache.id))];
  return new BuildError('SOURCE_NOT_FOUND', `there is no cache mount ${JSON.stringify(id)} in the store`, {
    hint:
      known.length === 0
        ? 'RUN --mount=type=cache,id=NAME,target=DIR creates one.'
        : `Existing cache mounts: ${known.join(', ')}.`,
  });
}
