import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { cacheDuration, type CacheSpec } from './flags/cache-spec.ts';
import type { TrustPolicy } from './record/judge-record.ts';
import { type SigningKey, signingKey, type TrustedKey, trustedKey } from './record/record-signature.ts';

/**
 * The key that signs what a build shares: of the attribute `sign` (a file), else of TSBUILD_CACHE_KEY (PEM) or
 * TSBUILD_CACHE_KEY_FILE. Only trusted jobs have one.
 * @throws BuildError `OPTION_INVALID`
 */
export function cacheSigningKey(
  { attributes }: Pick<CacheSpec, 'attributes'>,
  environment: Environment,
): SigningKey | undefined {
  const path = attributes.get('sign') ?? environment['TSBUILD_CACHE_KEY_FILE'];
  const pem = attributes.has('sign') ? undefined : environment['TSBUILD_CACHE_KEY'];
  if (pem !== undefined && pem !== '') return signingKey(pem.replaceAll('\\n', '\n'));
  return path === undefined || path === '' ? undefined : signingKey(readKey(path));
}

/**
 * Whose records count: `signed` as soon as a key is trusted (attribute `trusted`, TSBUILD_CACHE_TRUSTED), or this build signs
 * itself; else whoever may write to the place.
 * @throws BuildError `OPTION_INVALID`
 */
export function cacheTrust(spec: CacheSpec, environment: Environment): TrustPolicy {
  const texts = [spec.attributes.get('trusted'), environment['TSBUILD_CACHE_TRUSTED']]
    .flatMap((list) => (list ?? '').split(/[\s,;]+/))
    .filter((text) => text !== '');
  const own = cacheSigningKey(spec, environment);
  const trusted: TrustedKey[] = [...texts, ...(own === undefined ? [] : [own.publicKey])].map(trustedKey);
  const wanted = spec.attributes.get('trust');
  if (wanted === 'signed' && trusted.length === 0) {
    throw new BuildError('OPTION_INVALID', 'trust=signed, but no key is trusted', {
      hint: 'name public keys with trusted=ed25519:… or TSBUILD_CACHE_TRUSTED',
    });
  }
  const policy = wanted === 'registry' ? 'registry' : trusted.length > 0 ? 'signed' : 'registry';
  const maxAge = cacheDuration(spec, 'max-age');
  return { policy, trusted, ...(maxAge === undefined ? {} : { maxAge }) };
}

function readKey(path: string): string {
  try {
    return readFileSync(resolve(path), 'utf8');
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'no such file' : String(cause);
    throw new BuildError('OPTION_INVALID', `cannot read the signing key of the cache ${path}: ${why}`, { cause });
  }
}
