import type { FilePlace, FileReader } from '../layer/file-reader.ts';
import type { LayerEntry } from '../layer/layer-entry.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import { baseName } from '../layer/layer-path.ts';
import { isWhiteoutName } from '../layer/whiteout.ts';
import type { PackageFile } from '../package-records/package-file.ts';
import { tooLarge } from '../package-records/package-file.ts';
import type { PackageRecord } from '../package-records/package-record.ts';
import { packageReader, readPackages } from '../package-records/read-packages.ts';
import type { ByteString } from '../spec/byte-string.ts';

/** A file of a layer that tells of packages, or that should and could not be read. Plain JSON data. */
export interface PackageSource {
  readonly path: ByteString;
  /** Of its content, hexadecimal. */
  readonly sha256?: string;
  readonly packages: readonly PackageRecord[];
  /** For people: what of it could not be read. */
  readonly gaps: readonly string[];
  /** A hard link to a file of a layer below: what it tells depends on that. */
  readonly linksBelow?: true;
  /** A program that does not tell what it was made of. */
  readonly isSilentProgram?: true;
}

/** What one layer tells of packages, whatever lies below it: it can be kept beside the layer for ever. */
export interface LayerPackages {
  readonly sources: readonly PackageSource[];
}

/** Tells it from other JSON that a damaged file may hold. */
export function isLayerPackages(value: unknown): value is LayerPackages {
  const { sources } = (value ?? {}) as { readonly sources?: unknown };
  if (!Array.isArray(sources)) return false;
  return sources.every((source: Partial<PackageSource> | null) => {
    const { path, packages, gaps } = source ?? {};
    return typeof path === 'string' && Array.isArray(packages) && Array.isArray(gaps);
  });
}

/** Opens the content of a file of the layer. */
export type OpenPlace = (place: FilePlace) => FileReader;

/**
 * Reads the files of a layer that tell of packages, found by their paths in its index; of programs a few bytes that say whether
 * they tell anything. Nothing is unpacked.
 */
export async function readLayerPackages(index: LayerIndex, open: OpenPlace): Promise<LayerPackages> {
  const sources: PackageSource[] = [];
  for (const entry of index.entries()) {
    const isFile = entry.type === 'file' || entry.type === 'hardlink';
    if (!isFile || isWhiteoutName(baseName(entry.path))) continue;
    const source = await readSource(entry, index, open);
    if (source !== undefined) sources.push(source);
  }
  return { sources };
}

async function readSource(entry: LayerEntry, index: LayerIndex, open: OpenPlace): Promise<PackageSource | undefined> {
  const { path } = entry;
  if (entry.linksBelow === true) {
    return packageReader(path, 0) === undefined ? undefined : { path, packages: [], gaps: [], linksBelow: true };
  }
  const file = entry.type === 'hardlink' ? index.get(entry.linkPath) : entry;
  return file === undefined ? undefined : readEntry(path, file, open);
}

/** What the file tells, under the name `path`; undefined when that is nothing. */
export async function readEntry(
  path: ByteString,
  entry: LayerEntry,
  open: OpenPlace,
): Promise<PackageSource | undefined> {
  const reader = packageReader(path, entry.mode);
  if (reader === undefined) return undefined;
  const { packages, gaps, isSilentProgram } = await readPackages(reader, layerFile(path, entry, open));
  if (isSilentProgram === true) return { path, packages, gaps, isSilentProgram };
  if (packages.length === 0 && gaps.length === 0) return undefined;
  return { path, ...(entry.contentSha256 !== undefined && { sha256: entry.contentSha256 }), packages, gaps };
}

/** Holes are read as zeros from the start: a sparse file must not be larger. */
const MAX_SPARSE = 256 * 1024 ** 2;

/** A file of a layer as the readers take it. */
export function layerFile(path: ByteString, entry: LayerEntry, open: OpenPlace): PackageFile {
  const { size, sparse, offset } = entry;
  const read = (position: number, length: number): Uint8Array => {
    const wanted = Math.max(0, Math.min(length, size - position));
    if (sparse === undefined) return filled(open({ offset: offset + position, size: wanted }), wanted);
    if (size > MAX_SPARSE) throw tooLarge(size, MAX_SPARSE);
    return filled(open({ offset, size, sparse }), position + wanted).subarray(position);
  };
  return { path, size, read };
}

function filled(reader: FileReader, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  try {
    let at = 0;
    while (at < size) {
      const count = reader.read(bytes.subarray(at));
      if (count === 0) break;
      at += count;
    }
    return bytes.subarray(0, at);
  } finally {
    reader.close();
  }
}
