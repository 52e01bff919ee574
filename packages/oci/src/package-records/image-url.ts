import { digestHex } from '../spec/digest.ts';
import { formatPlatform, type Platform } from '../spec/platform.ts';
import { familiarRepository, type Reference } from '../spec/reference.ts';
import { encoded } from './package-url.ts';

/**
 * The package URL of an image as BuildKit writes it into statements: `pkg:docker/alpine@3.20?platform=linux%2Famd64`, with
 * `digest=` where the reference has one.
 * @see https://github.com/moby/buildkit/blob/master/util/purl/image.go
 */
export function imageUrl(reference: Reference, platform?: Platform): string {
  const { tag, digest } = reference;
  const path = familiarRepository(reference);
  const version = tag ?? (digest === undefined ? 'latest' : undefined);
  const query = [
    ...(digest === undefined ? [] : [`digest=sha256:${digestHex(digest)}`]),
    ...(platform === undefined ? [] : [`platform=${encoded(formatPlatform(platform))}`]),
  ];
  return [
    `pkg:docker/${path.split('/').map(encoded).join('/')}`,
    version === undefined ? '' : `@${encoded(version)}`,
    query.length === 0 ? '' : `?${query.join('&')}`,
  ].join('');
}
