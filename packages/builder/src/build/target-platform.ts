import { normalizePlatform, parsePlatform, type Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';

/** The platform that `--platform` names, or this machine's. @throws BuildError `NOT_SUPPORTED` */
export function targetPlatform(text: string | undefined): Platform {
  const host = hostPlatform();
  if (text === undefined) return host;
  const wanted = normalizePlatform(parsePlatform(text));
  if (wanted.os === host.os) return wanted;
  throw new BuildError('NOT_SUPPORTED', `--platform ${text}: only images for ${host.os} can be built`);
}
