import { formatPlatform, normalizePlatform, parsePlatform, type Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import type { BuildOptions } from '../build-options.ts';
import { BuildError } from '../../diagnostics/build-error.ts';

/** Every platform that all base images are for. */
const ALL = 'all';

/**
 * The platforms that the options name, each once and in their order; this machine's where they name none.
 * @throws BuildError `NOT_SUPPORTED`, `OPTION_INVALID`; OciError `PLATFORM_INVALID`
 */
export function targetPlatforms({
  platform,
  platforms = [],
}: Pick<BuildOptions, 'platform' | 'platforms'>): readonly Platform[] | typeof ALL {
  const named = [...(platform === undefined ? [] : [platform]), ...platforms];
  if (named.includes(ALL)) {
    if (named.every((text) => text === ALL)) return ALL;
    throw new BuildError('OPTION_INVALID', '--platform all cannot be used with other platforms', {
      hint: 'all are the platforms of the base images; name them, or use all alone',
    });
  }
  if (named.length === 0) return [hostPlatform()];
  return [...new Map(named.map(targetPlatform).map((each) => [formatPlatform(each), each])).values()];
}

function targetPlatform(text: string): Platform {
  const host = hostPlatform();
  const wanted = normalizePlatform(parsePlatform(text));
  if (wanted.os === host.os) return wanted;
  throw new BuildError('NOT_SUPPORTED', `--platform ${text}: only images for ${host.os} can be built`);
}
