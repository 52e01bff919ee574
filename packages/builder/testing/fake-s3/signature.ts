import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** An identity of the fake service. */
export interface S3Identity {
  readonly secret: string;
  readonly sessionToken?: string;
  /** It may read, and nothing else. */
  readonly readOnly?: boolean;
  /** Its session is over. */
  readonly isOver?: boolean;
}

/**
 * Checks a request's Signature Version 4 as the service does, from the bytes that came over the line and nothing else.
 * @returns who asks, or the code of the refusal
 */
export function signerOf(
  request: IncomingMessage,
  identities: ReadonlyMap<string, S3Identity>,
  region: string,
): S3Identity | string {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  if (match === null) return 'AccessDenied';
  const [, id = '', day = '', scope = '', names = '', signature = ''] = match;
  const identity = identities.get(id);
  if (identity === undefined) return 'InvalidAccessKeyId';
  if (scope !== region) return 'AuthorizationHeaderMalformed';
  const header = (name: string): string => String(request.headers[name] ?? '');
  const needed = ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))];
  if (!needed.every((name) => names.split(';').includes(name))) return 'AccessDenied';
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const canonical = [
    request.method,
    path,
    query.split('&').filter(Boolean).toSorted().join('&'),
    ...names.split(';').map((name) => `${name}:${header(name).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    header('x-amz-content-sha256'),
  ].join('\n');
  const time = header('x-amz-date');
  if (!time.startsWith(day)) return 'SignatureDoesNotMatch';
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<Buffer | string>(
    (before, part) => createHmac('sha256', before).update(part).digest(),
    `AWS4${identity.secret}`,
  );
  const expected = createHmac('sha256', key).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return 'SignatureDoesNotMatch';
  if (identity.isOver === true) return 'ExpiredToken';
  return header('x-amz-security-token') === (identity.sessionToken ?? '') ? identity : 'InvalidToken';
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
