import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Descriptor, type Digest, isDigest, readBlob } from '@tsbuild/oci';
import { LAYOUT_NAMES } from '@tsbuild/oci/internal';
import type { DirectoryBlobStore } from '@tsbuild/oci/node';

/** What an interrupted writer left is nobody's after this time, milliseconds; its process may be another machine's. */
const ABANDONED = 24 * 60 * 60 * 1000;

/** How deep indexes may name indexes. */
const DEPTH = 4;

/**
 * Removes the blobs that nothing in `entries` needs. Where somebody else keeps something in the same layout, only those that
 * `removed` entries named: what a foreign document needs is not ours to guess.
 */
export async function sweepBlobs(
  blobs: DirectoryBlobStore,
  entries: readonly Descriptor[],
  {
    isOurs,
    removed,
    now,
  }: {
    readonly isOurs: (entry: Descriptor) => boolean;
    readonly removed: readonly Digest[];
    readonly now: number;
  },
): Promise<void> {
  const needed = new Set<Digest>();
  for (const entry of entries) for (const digest of await blobsOf(blobs, entry)) needed.add(digest);
  const candidates: Digest[] = entries.every(isOurs) ? [] : [...removed];
  if (entries.every(isOurs)) for await (const { digest } of blobs.list()) candidates.push(digest);
  for (const digest of candidates) if (!needed.has(digest)) await blobs.delete(digest);
  await removeAbandoned(join(blobs.root, LAYOUT_NAMES.temporary), now);
}

/** The blob of an entry and all that it names. */
export async function blobsOf(blobs: DirectoryBlobStore, entry: Descriptor, depth = 0): Promise<readonly Digest[]> {
  const named: Digest[] = [entry.digest];
  for (const member of depth < DEPTH ? await membersOf(blobs, entry) : []) {
    if (member.isDocument) named.push(...(await blobsOf(blobs, member.descriptor, depth + 1)));
    else named.push(member.descriptor.digest);
  }
  return named;
}

async function membersOf(blobs: DirectoryBlobStore, entry: Descriptor) {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(await readBlob(blobs, entry)));
  } catch {
    return []; // A layer, or nothing that is left: it names nothing.
  }
  if (typeof document !== 'object' || document === null) return [];
  const { config, layers, manifests } = document as Readonly<Record<string, unknown>>;
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  return [
    ...[config, ...list(layers)].filter(isPointer).map((descriptor) => ({ descriptor, isDocument: false })),
    ...list(manifests)
      .filter(isPointer)
      .map((descriptor) => ({ descriptor, isDocument: true })),
  ];
}

function isPointer(value: unknown): value is Descriptor {
  if (typeof value !== 'object' || value === null) return false;
  const { digest, size } = value as Readonly<Record<string, unknown>>;
  return isDigest(digest) && typeof size === 'number';
}

async function removeAbandoned(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true && found.mtimeMs < now - ABANDONED) await rm(path, { force: true });
  }
}
