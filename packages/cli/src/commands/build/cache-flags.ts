import {
  type BuildOptions,
  BuildError,
  type CacheSpec,
  parseCacheSpecs,
  type ParsedCacheSpecs,
} from '@tsbuild/builder';
import { UsageError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import { YES } from './output-fields.ts';

/** The flags of shared caches, and the variables that stand in for those which are not given. */
const FLAGS = { 'cache-from': 'TSBUILD_CACHE_FROM', 'cache-to': 'TSBUILD_CACHE_TO' } as const;

type CacheFlags = Readonly<Record<keyof typeof FLAGS, readonly string[]>>;

/**
 * What the command line, or else the environment, says of shared caches. A variable holds several places as lines, or
 * separated by `;`.
 * @throws UsageError
 */
export function sharedCaches(
  flags: CacheFlags,
  host: Pick<Host, 'env'>,
  buildArgs: BuildOptions['buildArgs'],
): Pick<BuildOptions, 'cacheFrom' | 'cacheTo'> {
  const cacheFrom = parsed('cache-from', flags, host).flatMap(({ specs }) => specs);
  const given = parsed('cache-to', flags, host).flatMap(({ specs }) => specs);
  const cacheTo = asksForInline(buildArgs) ? [...given, INLINE] : given;
  return {
    ...(cacheFrom.length === 0 ? {} : { cacheFrom }),
    ...(cacheTo.length === 0 ? {} : { cacheTo }),
  };
}

const INLINE: CacheSpec = { type: 'inline', attributes: new Map() };

/** BuildKit's way to ask for it. */
function asksForInline(buildArgs: BuildOptions['buildArgs']): boolean {
  return YES.test(buildArgs.get('BUILDKIT_INLINE_CACHE') ?? '');
}

/** What to say of keys that change nothing. @throws UsageError */
export function cacheFlagNotices(flags: CacheFlags, host: Pick<Host, 'env'>): readonly string[] {
  return (['cache-from', 'cache-to'] as const).flatMap((flag) =>
    parsed(flag, flags, host).flatMap(({ warnings }) => warnings),
  );
}

function parsed(flag: keyof typeof FLAGS, flags: CacheFlags, { env }: Pick<Host, 'env'>): readonly ParsedCacheSpecs[] {
  const given = flags[flag].filter((text) => text !== '');
  const texts = given.length > 0 ? given : (env[FLAGS[flag]] ?? '').split(/[;\n]/).map((text) => text.trim());
  try {
    return texts.filter((text) => text !== '').map((text) => parseCacheSpecs(flag, text));
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new UsageError(error.message, { command: 'build', ...hint });
  }
}
