import type { ImageLayers } from '@tsbuild/builder';
import { formatPlatform, type Image, sha256Digest } from '@tsbuild/oci/node';
import { instructionText, shownPath } from './layer-text.ts';

/** The layers of an image and their waste for programs: JSON, two blanks deep. */
export function layersDocument(name: string, image: Image, found: ImageLayers): string {
  const { layers, waste, duplicates, dockerfile } = found;
  return document({
    name,
    id: sha256Digest(image.rawConfig),
    digest: image.descriptor.digest,
    platform: formatPlatform(image.config),
    dockerfile,
    layers,
    waste: waste.map(({ largest, ...one }) => ({
      ...one,
      largest: largest.map(({ path, size }) => ({ path: shownPath(path), size })),
    })),
    duplicates: duplicates.map(({ places, ...group }) => ({
      ...group,
      places: places.map(({ path, layer }) => ({ path: shownPath(path), layer })),
    })),
  });
}

/**
 * The form of `dive --json`, which dashboards read. The score is dive's own: the smallest size that a path ever had by all the
 * sizes that it had; only files are counted, so that a directory that was deleted shows.
 * @see https://github.com/wagoodman/dive
 */
export function diveDocument(image: Image, found: ImageLayers): string {
  const { layers, waste, contents } = found;
  const sizes = sizesByPath(found);
  const total = sum([...sizes.values()].map(({ all }) => all));
  const needed = sum([...sizes.values()].map(({ least }) => least));
  const references = [...sizes]
    .filter(([, { count }]) => count > 1)
    .map(([path, { count, all }]) => ({ count, sizeBytes: all, file: shownPath(path) }));
  return document({
    layer: layers.map(({ diffID, unpacked, origin }, index) => ({
      index,
      id: diffID.slice('sha256:'.length),
      digestId: diffID,
      sizeBytes: unpacked,
      command: instructionText(origin),
      fileList: [...(contents[index]?.index.entries() ?? [])].map(({ path, type, size, mode, uid, gid, linkPath }) => ({
        path: shownPath(path).slice(1),
        typeFlag: type === 'directory' ? 53 : type === 'symlink' ? 50 : type === 'hardlink' ? 49 : 48,
        linkName: linkPath,
        size,
        fileMode: mode,
        uid,
        gid,
        isDir: type === 'directory',
      })),
    })),
    image: {
      sizeBytes: sum(layers.map(({ unpacked }) => unpacked)),
      inefficientBytes: sum(waste.filter(({ kind }) => kind !== 'duplicated').map(({ bytes }) => bytes)),
      efficiencyScore: total === 0 ? 1 : needed / total,
      fileReference: references.toSorted((a, b) => b.sizeBytes - a.sizeBytes),
    },
    id: sha256Digest(image.rawConfig),
  });
}

interface Sizes {
  count: number;
  all: number;
  least: number;
}

/** Of each path that is a file in any layer: how often, and which sizes. What is deleted in the end was needed with no byte. */
function sizesByPath({ contents, files }: ImageLayers): ReadonlyMap<string, Sizes> {
  const sizes = new Map<string, Sizes>();
  for (const { index } of contents) {
    for (const { type, path, size } of index.entries()) {
      if (type !== 'file' || path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.')) continue;
      const known = sizes.get(path);
      if (known === undefined) sizes.set(path, { count: 1, all: size, least: size });
      else sizes.set(path, { count: known.count + 1, all: known.all + size, least: Math.min(known.least, size) });
    }
  }
  for (const [path, known] of sizes) {
    if (files.lookup(path)?.type !== 'file') sizes.set(path, { ...known, count: known.count + 1, least: 0 });
  }
  return sizes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function document(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
