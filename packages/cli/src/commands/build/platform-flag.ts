import type { BuildOptions } from '@tsbuild/builder';
import { formatPlatform, normalizePlatform, parsePlatform } from '@tsbuild/oci/node';
import { notSupportedYet, UsageError } from '../../host/usage-error.ts';

/** Stands alone: every platform that the base images have. */
const ALL = 'all';

/** The platforms that a command line names. */
export interface NamedPlatforms {
  /** Each once, as it was written; empty for this machine's. */
  readonly names: readonly string[];
  /** The image is an index: there are several, or `--index` asks for one. */
  readonly hasIndex: boolean;
}

/**
 * Reads `--platform a,b`, which may be repeated, or the default from the environment. A list names each platform once,
 * however often and in whatever spelling it is given.
 * @throws UsageError
 */
export function parsePlatforms(
  given: readonly string[],
  { index, fallback }: { readonly index: boolean; readonly fallback: string | undefined },
): NamedPlatforms {
  const texts = given.length > 0 ? given : [fallback ?? ''];
  const words = texts.flatMap((text) => text.split(',')).map((word) => word.trim());
  const names = words.filter((word) => word !== '');
  if (names.includes(ALL)) {
    if (names.every((name) => name === ALL)) return { names: [ALL], hasIndex: true };
    throw new UsageError('--platform all cannot be used with other platforms', {
      command: 'build',
      hint: 'all are the platforms of the base images; name them, or use all alone',
    });
  }
  const once = [...new Map(names.map((name) => [normalized(name), name])).values()];
  return { names: once, hasIndex: index || once.length > 1 };
}

/** The same for the builder. */
export function platformOptions({
  names,
  hasIndex,
}: NamedPlatforms): Pick<BuildOptions, 'platform' | 'platforms' | 'index'> {
  const [only] = names;
  const isOne = names.length === 1 && only !== ALL;
  const named = isOne && only !== undefined ? { platform: only } : names.length === 0 ? {} : { platforms: names };
  return { ...named, ...(hasIndex ? { index: true } : {}) };
}

function normalized(text: string): string {
  let platform: ReturnType<typeof parsePlatform>;
  try {
    platform = normalizePlatform(parsePlatform(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`invalid --platform: ${why}`, { command: 'build' });
  }
  if (platform.os !== 'linux') throw notSupportedYet(`--platform ${text}, not a Linux image,`, 'build');
  return formatPlatform(platform);
}
