import { gapText, type ImagePackages, type PackageDifference, type PackageOrigin } from '@tsbuild/builder';
import { byteStringToUtf8, formatPlatform, type Image, packageUrl, sha256Digest } from '@tsbuild/oci/node';

/** A package with the layer that it is in by its place. */
type ShownPackage = ImagePackages['changes'][number]['package'] & { readonly origin?: PackageOrigin };

/** The packages of an image for programs: JSON, two blanks deep. */
export function packagesDocument(name: string, image: Image, found: ImagePackages): string {
  const { diffIDs, distribution, dockerfile, gaps, layers, packages, changes, programs } = found;
  return document({
    name,
    id: sha256Digest(image.rawConfig),
    digest: image.descriptor.digest,
    platform: formatPlatform(image.config),
    distribution,
    dockerfile,
    packages: packages.map((one) => shownPackage(one, found)),
    layers: layers.map((origin, i) => ({
      diffID: diffIDs[i],
      origin,
      changes: changes
        .filter(({ layer }) => layer === i)
        .map(({ kind, before, package: one }) => ({ kind, before, package: shownPackage(one, found) })),
    })),
    gaps: gaps.map(({ path, layer, reason }) => ({ path: shownPath(path), layer: diffIDs[layer], reason })),
    programs: programs.map(shownPath),
  });
}

/** In what the packages of two images differ, for programs. */
export function differencesDocument(
  names: readonly [string, string],
  [first, second]: readonly [ImagePackages, ImagePackages],
  differences: readonly PackageDifference[],
): string {
  return document({
    images: names,
    packages: differences.map(({ kind, before, package: one, origin, of }) => ({
      kind,
      before,
      package: shownPackage(withoutOrigin(one), kind === 'removed' ? first : second),
      ...(of === 'first' ? { origin: undefined, wasFrom: origin } : { origin }),
    })),
    gaps: [first, second].map(({ gaps }) => gaps.map(gapText)),
  });
}

/** In a difference the origin is told once, beside the package. */
function withoutOrigin({ origin: _ofImage, ...one }: ShownPackage): ShownPackage {
  return one;
}

function document(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function shownPackage(
  { layer, path, sha256: _ofFile, ...one }: ShownPackage,
  { distribution, diffIDs }: ImagePackages,
): object {
  return { ...one, purl: packageUrl(one, distribution), path: shownPath(path), layer: diffIDs[layer] };
}

function shownPath(path: string): string {
  return `/${byteStringToUtf8(path)}`;
}
