import { OciError } from '@tsbuild/oci';
import type { Environment } from '@tsbuild/oci/node';
import { containerCredentials, instanceCredentials, webIdentityCredentials } from './credential-services.ts';
import { readProfile } from './profile-files.ts';

/** What requests are signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since 1970; undefined when they last. */
  readonly expires?: number;
}

/** Where credentials are looked for. */
export interface AwsCredentialOptions {
  readonly attributes: ReadonlyMap<string, string>;
  readonly environment: Environment;
  readonly region: string;
  readonly now: () => number;
}

/** So long before they end credentials are renewed, milliseconds. */
const EARLY = 5 * 60 * 1000;

/**
 * The credentials of AWS, from the places that its own tools know, in their order: the spec itself, the environment, a web
 * identity (EKS's service accounts), the profile files, a container's service (ECS, EKS Pod Identity), the machine's. What
 * ends is renewed in time: a build may last longer than its first credentials.
 */
export class CredentialChain {
  readonly #options: AwsCredentialOptions;
  #known: Promise<AwsCredentials> | undefined;

  constructor(options: AwsCredentialOptions) {
    this.#options = options;
  }

  /** @throws OciError `REGISTRY_CREDENTIALS`, which says nothing of them */
  async get(signal: AbortSignal): Promise<AwsCredentials> {
    const known = await this.#known;
    if (known !== undefined && (known.expires ?? Number.POSITIVE_INFINITY) - EARLY > this.#options.now()) return known;
    return this.#renew(known, signal);
  }

  /** The next ones are asked for anew: the service refused those. */
  forget(): void {
    this.#known = undefined;
  }

  async #renew(known: AwsCredentials | undefined, signal: AbortSignal): Promise<AwsCredentials> {
    const asked = findCredentials(this.#options, signal);
    this.#known = asked;
    try {
      return await asked;
    } catch (error) {
      // What is still good for some minutes is better than nothing.
      const isGood = known?.expires !== undefined && known.expires > this.#options.now();
      this.#known = isGood ? Promise.resolve(known) : undefined;
      if (isGood) return known;
      throw error;
    }
  }
}

async function findCredentials(options: AwsCredentialOptions, signal: AbortSignal): Promise<AwsCredentials> {
  const { attributes, environment } = options;
  const found =
    pair(attributes.get('access_key_id'), attributes.get('secret_access_key'), attributes.get('session_token')) ??
    pair(environment['AWS_ACCESS_KEY_ID'], environment['AWS_SECRET_ACCESS_KEY'], environment['AWS_SESSION_TOKEN']) ??
    (await webIdentityCredentials(options, signal)) ??
    (await profileCredentials(environment)) ??
    (await containerCredentials(environment, signal)) ??
    (await instanceCredentials(environment, signal));
  if (found !== undefined) return found;
  throw new OciError(
    'REGISTRY_CREDENTIALS',
    'there are no credentials for S3: neither access_key_id= and secret_access_key=, nor AWS_ACCESS_KEY_ID, nor a web identity, a profile, a container or an instance role',
  );
}

async function profileCredentials(environment: Environment): Promise<AwsCredentials | undefined> {
  const profile = await readProfile(environment);
  if (profile === undefined) {
    const name = environment['AWS_PROFILE'];
    if (!name) return undefined;
    throw new OciError('REGISTRY_CREDENTIALS', `there is no AWS profile ${JSON.stringify(name)}`);
  }
  const found = pair(
    profile.get('aws_access_key_id'),
    profile.get('aws_secret_access_key'),
    profile.get('aws_session_token'),
  );
  const other = ['sso_session', 'sso_start_url', 'role_arn', 'credential_process'].find((key) => profile.has(key));
  if (found !== undefined || other === undefined) return found;
  throw new OciError(
    'REGISTRY_CREDENTIALS',
    `the AWS profile uses ${other}, which is not supported; put its credentials into the environment: aws configure export-credentials --format env`,
  );
}

function pair(id: string | undefined, secret: string | undefined, token: string | undefined) {
  if (!id || !secret) return undefined;
  return { accessKeyId: id, secretAccessKey: secret, ...(token && { sessionToken: token }) };
}
