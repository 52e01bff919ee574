import { parseReference } from '@tsbuild/oci';
import { BuildError } from '../../diagnostics/build-error.ts';
import { csvFields } from '../../diagnostics/csv-fields.ts';
import { suggestNear } from '../../dockerfile/suggest.ts';

/** The kinds of places that records can be shared through. */
const CACHE_TYPES = ['registry', 'local', 'inline', 'gha', 's3'] as const;
export type CacheType = (typeof CACHE_TYPES)[number];

/** One `--cache-from` or `--cache-to`. */
export interface CacheSpec {
  readonly type: CacheType;
  readonly attributes: ReadonlyMap<string, string>;
}

/** What `parseCacheSpecs` found, and what to tell of it. */
export interface ParsedCacheSpecs {
  readonly specs: readonly CacheSpec[];
  readonly warnings: readonly string[];
}

/** What every kind takes. */
const COMMON = [
  'mode',
  'ignore-error',
  'read-only',
  'max-age',
  'trust',
  'trusted',
  'sign',
  'scope',
  'explain',
] as const;

/** What BuildKit takes, and which changes nothing here: layers are gzip, and records ordinary images, always. */
const WITHOUT_EFFECT = [
  'oci-mediatypes',
  'image-manifest',
  'compression',
  'compression-level',
  'force-compression',
  'unpack',
] as const;

const KEYS: Readonly<Record<CacheType, readonly string[]>> = {
  registry: ['ref', 'registry.insecure', 'touch'],
  local: ['src', 'dest', 'tag', 'digest', 'reset', 'keep'],
  inline: ['ref'],
  gha: ['url', 'url_v2', 'token', 'timeout', 'repository', 'ghtoken', 'version'],
  s3: ['bucket', 'region', 'prefix', 'blobs_prefix', 'manifests_prefix', 'name', 'endpoint_url', 'use_path_style',
    'access_key_id', 'secret_access_key', 'session_token', 'touch_refresh', 'upload_parallelism'], // biome-ignore format: one list
};

/**
 * Reads a value of `--cache-from` or `--cache-to`, in buildx's grammar: `type=TYPE,KEY=VALUE,…` as one line of CSV, or one or
 * several references of registries. Unknown keys are told, with the nearest one that is known.
 * @throws BuildError `OPTION_INVALID`
 */
export function parseCacheSpecs(flag: 'cache-from' | 'cache-to', text: string): ParsedCacheSpecs {
  const fields = csvFields(text);
  if ('problem' in fields) throw wrong(flag, text, fields.problem);
  if (fields.every((field) => !field.includes('='))) return bareReferences(flag, text, fields);
  const attributes = new Map<string, string>();
  for (const field of fields) {
    const equals = field.indexOf('=');
    if (equals < 0) throw wrong(flag, text, `expected key=value, not ${JSON.stringify(field)}`);
    attributes.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  const type = attributes.get('type');
  attributes.delete('type');
  if (type === undefined) throw wrong(flag, text, 'type= is missing');
  if (!isCacheType(type)) {
    throw wrong(flag, text, `unknown type ${JSON.stringify(type)}${suggestNear(type, CACHE_TYPES)}`);
  }
  const spec = { type, attributes };
  check(flag, text, spec);
  return { specs: [spec], warnings: unknownKeys(flag, spec) };
}

function bareReferences(flag: string, text: string, fields: readonly string[]): ParsedCacheSpecs {
  const specs = fields.map((ref): CacheSpec => ({ type: 'registry', attributes: new Map([['ref', ref.trim()]]) }));
  for (const spec of specs) check(flag, text, spec);
  return { specs, warnings: [] };
}

function check(flag: string, text: string, { type, attributes }: CacheSpec): void {
  const need = (key: string, example: string): void => {
    if (!attributes.get(key)) throw wrong(flag, text, `type=${type} needs ${example}`);
  };
  if (type === 'registry') {
    need('ref', 'ref=REGISTRY/REPOSITORY:TAG');
    parseReference(attributes.get('ref') ?? '');
  }
  if (type === 'inline' && flag === 'cache-from') need('ref', 'ref=IMAGE');
  if (type === 'local') need(flag === 'cache-to' ? 'dest' : 'src', flag === 'cache-to' ? 'dest=DIR' : 'src=DIR');
  if (type === 's3') need('bucket', 'bucket=NAME');
  const mode = attributes.get('mode');
  if (mode !== undefined && mode !== 'min' && mode !== 'max') throw wrong(flag, text, 'mode= must be min or max');
  const trust = attributes.get('trust');
  if (trust !== undefined && trust !== 'signed' && trust !== 'registry')
    throw wrong(flag, text, 'trust= must be signed or registry');
}

function unknownKeys(flag: string, { type, attributes }: CacheSpec): readonly string[] {
  const known: readonly string[] = [...KEYS[type], ...COMMON];
  return [...attributes.keys()].flatMap((key) => {
    if (known.includes(key)) return [];
    if ((WITHOUT_EFFECT as readonly string[]).includes(key))
      return key === 'oci-mediatypes' || key === 'image-manifest' ? [] : [`--${flag}: ${key}= changes nothing here`];
    return [`--${flag}: type=${type} has no key ${JSON.stringify(key)}${suggestNear(key, known)}: it is ignored`];
  });
}

/** A boolean attribute, as Go's strconv.ParseBool reads it. @throws BuildError `OPTION_INVALID` */
export function cacheFlag({ type, attributes }: CacheSpec, key: string, absent: boolean): boolean {
  const value = attributes.get(key);
  if (value === undefined) return absent;
  if (/^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  throw new BuildError('OPTION_INVALID', `type=${type}: ${key}= must be true or false`);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as `90s`, `12h`, `30d`, in milliseconds. @throws BuildError `OPTION_INVALID` */
export function cacheDuration({ type, attributes }: CacheSpec, key: string): number | undefined {
  const value = attributes.get(key);
  if (value === undefined) return undefined;
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(value) ?? [];
  const factor = unit === '' ? (value === '0' ? 1 : undefined) : UNITS[unit];
  if (count === '' || factor === undefined) {
    throw new BuildError('OPTION_INVALID', `type=${type}: ${key}=${value} is no duration: write 90s, 12h or 30d`);
  }
  return Number(count) * factor;
}

/** The spec as one line, without what only its owner may know: it opens the same place again. */
export function specText({ type, attributes }: CacheSpec): string {
  const shown = [...attributes].filter(([key]) => !SECRET_KEYS.has(key));
  return [`type=${type}`, ...shown.map(([key, value]) => quoted(`${key}=${value}`))].join(',');
}

const SECRET_KEYS: ReadonlySet<string> = new Set([
  'token',
  'ghtoken',
  'access_key_id',
  'secret_access_key',
  'session_token',
  'sign',
]);

function quoted(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function isCacheType(text: string): text is CacheType {
  return (CACHE_TYPES as readonly string[]).includes(text);
}

function wrong(flag: string, text: string, why: string): BuildError {
  return new BuildError('OPTION_INVALID', `invalid --${flag} ${JSON.stringify(text)}: ${why}`, {
    hint: `expected REFERENCE or type=${CACHE_TYPES.join('|')},KEY=VALUE,… (docs/shared-cache.md)`,
  });
}
