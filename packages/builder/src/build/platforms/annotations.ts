import { formatPlatform, parsePlatform, type Platform, samePlatform } from '@tsbuild/oci';
import { isAttested } from '../../attestation/attestation-options.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import type { BuildOptions, PlacedAnnotation } from '../build-options.ts';

type AnnotationOptions = Pick<BuildOptions, 'annotations' | 'placedAnnotations' | 'index' | 'attestations'>;
type OfPlatform = { readonly platform: Platform };

/** The annotations of a build, by what they are put on (BuildKit, exporter/containerimage/annotations.go). */
export class Annotations {
  /** Whether the build gives an index. */
  readonly hasIndex: boolean;
  /** And one that is there to tell platforms apart, not only for what attests an image. */
  readonly tellsPlatforms: boolean;
  readonly #options: AnnotationOptions;

  constructor(options: AnnotationOptions, platforms: readonly OfPlatform[]) {
    this.#options = options;
    this.tellsPlatforms = platforms.length > 1 || options.index === true;
    this.hasIndex = this.tellsPlatforms || isAttested(options.attestations);
  }

  /** @throws BuildError `OPTION_INVALID` for annotations of what the build will not have */
  static check(options: AnnotationOptions, platforms: readonly OfPlatform[]): void {
    const annotations = new Annotations(options, platforms);
    for (const annotation of options.placedAnnotations ?? []) annotations.#check(annotation, platforms);
  }

  /** Of a platform's manifest; undefined for none. */
  ofManifest(of: OfPlatform): ReadonlyMap<string, string> | undefined {
    const { annotations = new Map<string, string>() } = this.#options;
    const placed = this.#placed('manifest', of);
    return placed.size === 0 ? annotations : new Map([...annotations, ...placed]);
  }

  /** Of a platform's entry in the index. */
  ofEntry(of: OfPlatform): ReadonlyMap<string, string> {
    return this.#placed('manifest-descriptor', of);
  }

  ofIndex(): ReadonlyMap<string, string> {
    return this.#placed('index');
  }

  /** Of the entry of a layout that leads to the index. */
  ofIndexEntry(): ReadonlyMap<string, string> {
    return this.#placed('index-descriptor');
  }

  #placed(place: PlacedAnnotation['place'], of?: OfPlatform): ReadonlyMap<string, string> {
    const meant = (this.#options.placedAnnotations ?? []).filter(
      (annotation) =>
        annotation.place === place &&
        (annotation.platform === undefined ||
          (of !== undefined && samePlatform(parsePlatform(annotation.platform), of.platform))),
    );
    return new Map(meant.map(({ key, value }) => [key, value]));
  }

  #check({ place, platform }: PlacedAnnotation, platforms: readonly OfPlatform[]): void {
    if (place !== 'manifest' && !this.hasIndex) {
      throw new BuildError(
        'OPTION_INVALID',
        `${place} annotations are not supported for an image of a single platform`,
        { hint: 'the image has no index; use manifest:KEY=VALUE, or build one with --index' },
      );
    }
    if (platform === undefined) return;
    if (place === 'index' || place === 'index-descriptor') {
      throw new BuildError('OPTION_INVALID', `invalid annotation: ${place}[${platform}]: an index has no platform`, {
        hint: `use ${place}:KEY=VALUE`,
      });
    }
    if (!this.hasIndex || platforms.some((built) => samePlatform(parsePlatform(platform), built.platform))) return;
    throw new BuildError('OPTION_INVALID', `invalid annotation: platform ${platform} is not built`, {
      hint: `this build is for ${platforms.map((built) => formatPlatform(built.platform)).join(', ')}`,
    });
  }
}
