import { parsePlatform, type Platform } from '@tsbuild/oci/node';
import { UsageError } from '../../host/usage-error.ts';

/** The annotations of a new index, and of its entries. */
export interface IndexAnnotations {
  readonly annotations: Readonly<Record<string, string>>;
  readonly entryAnnotations: readonly { readonly platform?: Platform; readonly key: string; readonly value: string }[];
}

const TYPED = /^(index|manifest-descriptor|manifest|index-descriptor)(?:\[([^\]]*)\])?:(.*)$/s;

/**
 * Reads `--annotation [TYPE[PLATFORM]:]KEY=VALUE` as buildx's `imagetools create` does; without a type it is the index's.
 * @throws UsageError for a manifest's: the images stay as they are
 */
export function parseIndexAnnotations(texts: readonly string[]): IndexAnnotations {
  const annotations: Record<string, string> = {};
  const entryAnnotations: { platform?: Platform; key: string; value: string }[] = [];
  for (const text of texts) {
    const equals = text.indexOf('=');
    const typed = TYPED.exec(text.slice(0, Math.max(0, equals)));
    const [, type = 'index', platform, typedKey] = typed ?? [];
    const key = typedKey ?? text.slice(0, Math.max(0, equals));
    const value = text.slice(equals + 1);
    if (key === '' || /\s/.test(key)) throw wrong(text, 'expected KEY=VALUE, or manifest-descriptor:KEY=VALUE');
    if (type === 'index' && platform === undefined) annotations[key] = value;
    else if (type === 'manifest-descriptor') entryAnnotations.push({ ...platformOf(platform, text), key, value });
    else throw wrong(text, `${type} annotations cannot be set here`, 'use index: or manifest-descriptor[PLATFORM]:');
  }
  return { annotations, entryAnnotations };
}

function platformOf(platform: string | undefined, text: string): { platform?: Platform } {
  if (platform === undefined) return {};
  try {
    return { platform: parsePlatform(platform) };
  } catch (error) {
    throw wrong(text, error instanceof Error ? error.message : String(error));
  }
}

function wrong(text: string, why: string, hint?: string): UsageError {
  return new UsageError(`invalid --annotation ${JSON.stringify(text)}: ${why}`, { hint, command: 'image index' });
}
