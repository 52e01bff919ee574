import { canonicalJson, type ImageConfig, type JsonValue } from '@tsbuild/oci';
import { maskedText } from '../explain/mask.ts';

/** In what two configs differ that is no layer of a step. Values are masked as those of explanations. */
export interface ConfigDifference {
  /** `instruction`: a row of the history without a layer (CMD, ENV, …). `base`: the image below. `setting`: a member of the config. */
  readonly kind: 'instruction' | 'base' | 'setting';
  /** The member, or what the row or the base is called. */
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

/**
 * Compares the configs of an image and of what a plan would make, times aside: instructions without a layer, the layers of
 * the base, and settings that no instruction explains (`--label`).
 * @param base of `after`
 */
export function diffConfigs(
  before: ImageConfig,
  after: ImageConfig,
  base: ImageConfig | undefined,
): readonly ConfigDifference[] {
  const layers = base?.rootfs.diff_ids ?? [];
  // Then it has other rows and settings, too, and none of them is the Dockerfile's.
  if (layers.some((layer, i) => before.rootfs.diff_ids[i] !== layer)) return [{ kind: 'base', name: 'base image' }];
  const first = base?.history?.length ?? 0;
  const rows = diffRows(ownMetadata(before, first), ownMetadata(after, first));
  return rows.length > 0 ? rows : diffSettings(settingsOf(before), settingsOf(after), '');
}

/** What the Dockerfile's instructions without a layer say, in order. */
function ownMetadata({ history = [] }: ImageConfig, first: number): readonly string[] {
  return history
    .slice(first)
    .filter((row) => row.empty_layer === true)
    .map((row) => row.created_by ?? '');
}

function diffRows(before: readonly string[], after: readonly string[]): readonly ConfigDifference[] {
  const [old, now] = [without(before, after), without(after, before)];
  const length = Math.max(old.length, now.length);
  return Array.from({ length }, (_, i) => {
    const [a, b] = [old[i], now[i]];
    const texts = {
      ...(a === undefined ? {} : { before: maskedText(a) }),
      ...(b === undefined ? {} : { after: maskedText(b) }),
    };
    return { kind: 'instruction', name: b ?? a ?? '', ...texts };
  });
}

function without(rows: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return rows.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Everything but times, rows and layers. */
function settingsOf({ created: _created, history: _history, rootfs: _rootfs, ...rest }: ImageConfig): JsonValue {
  return JSON.parse(JSON.stringify(rest)) as JsonValue;
}

function diffSettings(before: JsonValue | undefined, after: JsonValue | undefined, path: string): ConfigDifference[] {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => diffSettings(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  const text = (value: JsonValue | undefined): string | undefined =>
    value === undefined ? undefined : maskedText(typeof value === 'string' ? value : JSON.stringify(value));
  const [a, b] = [text(before), text(after)];
  return [
    {
      kind: 'setting',
      name: path,
      ...(a === undefined ? {} : { before: a }),
      ...(b === undefined ? {} : { after: b }),
    },
  ];
}

function isObject(value: JsonValue | undefined): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
