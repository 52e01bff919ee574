import type { ImageLayers } from '@tsbuild/builder';
import { formatPlatform, type Image, sha256Digest } from '@tsbuild/oci/node';
import { diveScore } from './dive-score.ts';
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
 * The form of `dive --json`, which dashboards read, with dive's own score and bytes (dive-score.ts), whatever ours are.
 * @see https://github.com/wagoodman/dive
 */
export function diveDocument(image: Image, found: ImageLayers): string {
  const { layers, contents } = found;
  const { score, wasted, references } = diveScore(contents.map(({ index }) => index.entries()));
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
      inefficientBytes: wasted,
      efficiencyScore: score,
      fileReference: references
        .map(({ path, count, bytes }) => ({ count, sizeBytes: bytes, file: shownPath(path) }))
        .toSorted((a, b) => b.sizeBytes - a.sizeBytes),
    },
    id: sha256Digest(image.rawConfig),
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function document(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
