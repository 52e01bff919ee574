import type { Environment } from '@tsbuild/oci/node';
import { BuildError } from '../../../diagnostics/build-error.ts';
import type { AwsProfile } from './profile-files.ts';

/** Which bucket, and how it is addressed. */
export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  /** Of the bucket; ends in `/`. */
  readonly base: URL;
}

/** Where nothing says more: what AWS's own tools take, and what other services accept. */
const DEFAULT_REGION = 'us-east-1';

/**
 * The bucket that attributes and environment mean. A service of one's own (`endpoint_url`) is addressed by path, as most
 * of them have no names for buckets; AWS by host.
 * @throws BuildError `OPTION_INVALID`
 */
export function s3Place(
  attributes: ReadonlyMap<string, string>,
  environment: Environment,
  options: { readonly usePathStyle: boolean | undefined; readonly profile?: AwsProfile | undefined },
): S3Place {
  const bucket = attributes.get('bucket') ?? '';
  if (!/^[A-Za-z0-9._-]{3,255}$/.test(bucket)) throw wrong(`bucket=${bucket} is no bucket's name`);
  const region =
    attributes.get('region') ||
    environment['AWS_REGION'] ||
    environment['AWS_DEFAULT_REGION'] ||
    options.profile?.get('region') ||
    DEFAULT_REGION;
  if (!/^[a-z0-9-]+$/.test(region)) throw wrong(`region=${region} is no region`);
  const named =
    attributes.get('endpoint_url') ||
    environment['AWS_ENDPOINT_URL_S3'] ||
    environment['AWS_ENDPOINT_URL'] ||
    undefined;
  // A dot in a name is not covered by the service's certificate.
  const byPath = options.usePathStyle ?? (named !== undefined || bucket.includes('.'));
  const endpoint = endpointOf(named, region);
  const prefix = endpoint.pathname.replace(/\/$/, '');
  const host = byPath ? endpoint.host : `${bucket}.${endpoint.host}`;
  const base = new URL(`${endpoint.protocol}//${host}${prefix}/${byPath ? `${bucket}/` : ''}`);
  return { bucket, region, base };
}

function endpointOf(named: string | undefined, region: string): URL {
  const text = named ?? `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw wrong('endpoint_url= must be http://… or https://…');
  if (url.username !== '' || url.password !== '') {
    throw wrong('endpoint_url= must not hold a user or a password: use access_key_id= and secret_access_key=');
  }
  return url;
}

function wrong(why: string): BuildError {
  return new BuildError('OPTION_INVALID', `type=s3: ${why}`);
}
