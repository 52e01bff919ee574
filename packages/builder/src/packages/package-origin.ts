import type { LocatedPackage, PackageChange, PackageInventory } from '@tsbuild/oci/node';
import type { MadeStep } from '../explain/build-origins.ts';

/** An instruction of a Dockerfile. */
export type StepPlace = Pick<MadeStep, 'stage' | 'line' | 'endLine' | 'source' | 'platform'>;

/** What brought a package into an image. */
export type PackageOrigin =
  /** An instruction; the last of `copiedBy` copied it out of the stage that has it. */
  | { readonly kind: 'step'; readonly step: StepPlace; readonly copiedBy: readonly StepPlace[] }
  /** An image that the build began with, or that `COPY --from` took it out of. */
  | {
      readonly kind: 'base';
      readonly name: string;
      readonly digest?: string;
      /** Its history's row. */
      readonly createdBy?: string;
      readonly copiedBy: readonly StepPlace[];
    }
  /** A layer of an image that was not built here; its history's row, when there is one. */
  | { readonly kind: 'layer'; readonly createdBy?: string };

/** A package of an image, with what brought it. */
export interface AttributedPackage extends LocatedPackage {
  readonly origin: PackageOrigin;
}

/** What a layer did to a package, with the instruction that made the layer. */
export interface AttributedChange extends PackageChange {
  readonly origin: PackageOrigin;
}

/** The packages of an image with what brought them. */
export interface AttributedInventory extends PackageInventory {
  readonly packages: readonly AttributedPackage[];
  readonly changes: readonly AttributedChange[];
  /** What made each layer, lowest first. */
  readonly layers: readonly PackageOrigin[];
}

/**
 * An origin in one line: `Dockerfile:7 RUN npm ci, copied by line 12`, `base image debian:12@sha256:…` (the digest may be left
 * out for people). Undefined where nothing is known.
 */
export function originText(
  origin: PackageOrigin,
  dockerfile: string,
  digests: 'with-digest' | 'without-digest' = 'with-digest',
): string | undefined {
  if (origin.kind === 'layer') return origin.createdBy === undefined ? undefined : oneLine(origin.createdBy);
  const copied = origin.copiedBy.toReversed().map(({ line }) => `, copied by line ${line}`);
  if (origin.kind === 'step') {
    const { line, source, stage } = origin.step;
    const inStage = copied.length > 0 ? ` in stage ${stage}` : '';
    return [`${dockerfile}:${line} ${oneLine(source)}${inStage}`, ...copied].join('');
  }
  const isLeftOut = digests === 'without-digest' || origin.digest === undefined || origin.name.includes('@');
  const digest = isLeftOut ? '' : `@${origin.digest}`;
  return [`${copied.length > 0 ? 'image' : 'base image'} ${origin.name}${digest}`, ...copied].join('');
}

function oneLine(text: string): string {
  return text.replace(/\s*\\?\r?\n\s*/g, ' ').trim();
}
