import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDigest } from '@tsbuild/oci';
import { isContainerConfig } from '../container-state/container-config.ts';
import { type StoreDirectory, storePath } from '../disk/store-paths.ts';
import { type CheckedBlobs, type CheckOptions, unsealJson } from '@tsbuild/oci/internal';

/** Directories of small JSON files that a build can do without, and what they hold. */
const DIRECTORIES: readonly (readonly [StoreDirectory, ...string[]])[] = [
  ['remotes', 'images'],
  ['remotes', 'layers'],
  ['remotes', 'compressed'],
  ['sources', 'http'],
  ['sources', 'git'],
  ['builds'],
  ['checks'],
  ['explain', 'stages'],
  ['explain', 'texts'],
];

/** Checks what the store knows of images elsewhere, of downloads and of past builds: JSON, and the blobs it needs. */
export async function checkSmallFiles(root: string, blobs: CheckedBlobs, options: CheckOptions): Promise<void> {
  for (const place of DIRECTORIES) {
    const folder = storePath('', ...place);
    for (const name of namesIn(join(root, folder)).filter((each) => each.endsWith('.json'))) {
      const path = `${folder}/${name}`;
      const value = readJson(join(root, path));
      const why =
        value === undefined
          ? 'it is damaged: its checksum is another, or it is no JSON document'
          : folder === 'remotes/images'
            ? await imageFault(value, blobs)
            : undefined;
      if (why === undefined) continue;
      const repair = {
        done: 'removed; it is asked for again',
        run: async () => rmSync(join(root, path), { force: true }),
      };
      options.report({ severity: 'damaged', kind: 'remote', path, message: why, repair });
    }
  }
}

/** The descriptions of cache mounts. Without one a cache cannot be listed; the next command that takes it writes it. */
export function checkCacheMounts(root: string, options: CheckOptions): number {
  let count = 0;
  for (const name of namesIn(storePath(root, 'cache-mounts')).filter((each) => /^[0-9a-f]{64}$/.test(each))) {
    const path = storePath('', 'cache-mounts', name, 'mount.json');
    count++;
    const value = readJson(join(root, path));
    if (value === null || isCache(value)) continue;
    const repair = { done: 'removed', run: async () => rmSync(join(root, path), { force: true }) };
    options.report({ severity: 'damaged', kind: 'cache-mount', path, message: 'it describes no cache mount', repair });
  }
  return count;
}

/**
 * The descriptions of containers. A container without one cannot be listed or started; what it wrote is in `upper` beside it,
 * and nothing is removed.
 */
export function checkContainers(root: string, options: CheckOptions): void {
  for (const id of namesIn(storePath(root, 'containers')).filter((each) => /^[0-9a-f]{64}$/.test(each))) {
    const path = storePath('', 'containers', id, 'config.json');
    const value = readJson(join(root, path));
    if (value === null || isContainerConfig(value)) continue;
    const message = `it describes no container; the files that the container wrote are in ${storePath('', 'containers', id, 'upper')}`;
    options.report({ severity: 'damaged', kind: 'container', path, message });
  }
}

function isCache(value: unknown): boolean {
  const { id, namespace } = (value ?? {}) as { id?: unknown; namespace?: unknown };
  return typeof id === 'string' && typeof namespace === 'string';
}

async function imageFault(value: unknown, blobs: CheckedBlobs): Promise<string | undefined> {
  const { manifest, config } = (value ?? {}) as Record<'manifest' | 'config', { digest?: unknown; size?: unknown }>;
  for (const [what, part] of Object.entries({ manifest, config })) {
    if (!isDigest(part?.digest)) return `it names no ${what}`;
    const fault = await blobs.fault(part.digest, typeof part.size === 'number' ? part.size : undefined);
    if (fault !== undefined) return `its ${what} ${part.digest} is ${fault}`;
  }
  return undefined;
}

/** Undefined when it is no JSON, or not what its checksum says; null when there is no such file. */
function readJson(path: string): unknown {
  try {
    return unsealJson(readFileSync(path, 'utf8'))?.value ?? undefined;
  } catch {
    return null;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
