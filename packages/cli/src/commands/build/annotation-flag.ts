import { formatPlatform, normalizePlatform, parsePlatform } from '@tsbuild/oci/node';
import { UsageError } from '../../host/usage-error.ts';

/** What an annotation may be put on, as buildx names them. */
const PLACES = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'];

/**
 * Reads `--annotation [TYPE[PLATFORM][,…]:]KEY=VALUE` of buildx. Without a type it is the manifest's. `platform` is that of
 * the build, if one was given: annotations for others are no business of it.
 * @throws UsageError for what only an index of several platforms can hold
 */
export function parseAnnotations(texts: readonly string[], platform: string | undefined): ReadonlyMap<string, string> {
  const annotations = new Map<string, string>();
  for (const text of texts) {
    const { places, key, value } = split(text);
    const meant = places.map((place) => isForManifest(place, platform, text));
    if (meant.length === 0 || meant.includes(true)) annotations.set(key, value);
  }
  return annotations;
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

function isForManifest(place: string, platform: string | undefined, text: string): boolean {
  const match = /^([a-z-]+)(?:\[([^\]]*)\])?$/.exec(place.trim());
  const [, type = '', wanted] = match ?? [];
  if (!PLACES.includes(type)) throw wrong(text, `unknown annotation type ${JSON.stringify(place)}`);
  if (type !== 'manifest') {
    throw new UsageError(`${type} annotations are not supported for an image of a single platform: ${text}`, {
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
