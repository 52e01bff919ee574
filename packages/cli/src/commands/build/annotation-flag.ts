import type { BuildOptions, PlacedAnnotation } from '@tsbuild/builder';
import { formatPlatform, normalizePlatform, parsePlatform } from '@tsbuild/oci/node';
import { UsageError } from '../../host/usage-error.ts';
import type { NamedPlatforms } from './platform-flag.ts';

/** What an annotation may be put on, as buildx names them. */
const PLACES = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;

/** What annotations ask for, as the builder takes it. */
type AnnotationOptions = Required<Pick<BuildOptions, 'annotations'>> & Pick<BuildOptions, 'placedAnnotations'>;

/**
 * Reads `--annotation [TYPE[PLATFORM][,…]:]KEY=VALUE` of buildx. Without a type it is the manifest's. With one platform,
 * annotations for others are no business of the build.
 * @throws UsageError for what only an index can hold where there is none
 */
export function parseAnnotations(texts: readonly string[], { names, hasIndex }: NamedPlatforms): AnnotationOptions {
  const annotations = new Map<string, string>();
  const placedAnnotations: PlacedAnnotation[] = [];
  for (const text of texts) {
    const { places, key, value } = split(text);
    if (hasIndex && places.length > 0) {
      placedAnnotations.push(...places.map((written) => ({ ...placeOf(written, text), key, value })));
      continue;
    }
    const meant = places.map((written) => isForManifest(placeOf(written, text), names[0], text));
    if (meant.length === 0 || meant.includes(true)) annotations.set(key, value);
  }
  return { annotations, ...(placedAnnotations.length === 0 ? {} : { placedAnnotations }) };
}

function split(text: string): { readonly places: readonly string[]; readonly key: string; readonly value: string } {
  const bad = wrong(text, 'expected KEY=VALUE, or manifest:KEY=VALUE');
  const equals = text.indexOf('=');
  if (equals < 0) throw bad;
  const before = text.slice(0, equals);
  const typed = /^((?:manifest|index|manifest-descriptor|index-descriptor)(?:\[[^\]]*\])?(?:,[^:=]*)?):(.*)$/s.exec(
    before,
  );
  const key = typed === null ? before : (typed[2] ?? '');
  if (key === '' || /\s/.test(key)) throw bad;
  return { places: typed?.[1]?.split(',') ?? [], key, value: text.slice(equals + 1) };
}

function placeOf(written: string, text: string): Pick<PlacedAnnotation, 'place' | 'platform'> {
  const [, type = '', platform] = /^([a-z-]+)(?:\[([^\]]*)\])?$/.exec(written.trim()) ?? [];
  const place = PLACES.find((each) => each === type);
  if (place === undefined) throw wrong(text, `unknown annotation type ${JSON.stringify(written)}`);
  if (platform !== undefined) normalized(platform, text);
  return { place, ...(platform === undefined ? {} : { platform }) };
}

function isForManifest(
  { place, platform: wanted }: Pick<PlacedAnnotation, 'place' | 'platform'>,
  platform: string | undefined,
  text: string,
): boolean {
  if (place !== 'manifest') {
    throw new UsageError(`${place} annotations are not supported for an image of a single platform: ${text}`, {
      command: 'build',
      hint: 'the image has no index; use manifest:KEY=VALUE',
    });
  }
  if (wanted === undefined || platform === undefined) return true;
  return normalized(wanted, text) === normalized(platform, text);
}

function normalized(platform: string, text: string): string {
  try {
    return formatPlatform(normalizePlatform(parsePlatform(platform)));
  } catch (error) {
    throw wrong(text, error instanceof Error ? error.message : String(error));
  }
}

function wrong(text: string, why: string): UsageError {
  return new UsageError(`invalid --annotation ${JSON.stringify(text)}: ${why}`, { command: 'build' });
}
