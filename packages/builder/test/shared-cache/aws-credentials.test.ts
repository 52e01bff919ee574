import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scratchFolders } from '../../../oci/testing/scratch.ts';
import { CredentialChain } from '../../src/shared-cache/backend/s3/aws-credentials.ts';
import { openS3Backend, type S3Backend } from '../../src/shared-cache/backend/s3/s3-backend.ts';
import { FakeAws } from '../../testing/fake-s3/fake-aws.ts';
import { FakeS3 } from '../../testing/fake-s3/fake-s3.ts';
import { sampleRecord } from '../../testing/shared-records.ts';

type Environment = Readonly<Record<string, string>>;

const folder = scratchFolders();
const { signal } = new AbortController();
/** Nothing of this machine. */
const NOWHERE = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' };
const MINUTE = 60 * 1000;

describe('the credentials of S3', () => {
  let fake: FakeS3;
  let aws: FakeAws;
  beforeEach(async () => {
    [fake, aws] = [await FakeS3.start(), await FakeAws.start()];
    fake.identities.set('AKIDEXAMPLE', { secret: 'very-secret', sessionToken: 'session' });
  });
  afterEach(async () => {
    await fake[Symbol.asyncDispose]();
    await aws[Symbol.asyncDispose]();
  });

  const file = (name: string, content: string): string => {
    const path = join(folder(), name);
    writeFileSync(path, content);
    return path;
  };
  const open = (environment: Environment, attributes: Environment = {}): Promise<S3Backend> => {
    const all = { bucket: fake.bucket, region: fake.region, endpoint_url: fake.url, ...attributes };
    const spec = { type: 's3', attributes: new Map(Object.entries(all)) } as const;
    return openS3Backend(spec, { environment: { ...NOWHERE, ...environment }, now: () => Date.now() });
  };
  /** What a bucket that asks for a signature says of a record that it lacks. */
  const found = async (environment: Environment, attributes: Environment = {}): Promise<string | undefined> => {
    await using backend = await open(environment, attributes);
    return await backend.find(sampleRecord('a').key, signal);
  };
  const webIdentity = (): Environment => ({
    AWS_WEB_IDENTITY_TOKEN_FILE: file('token', 'token-of-the-cluster\n'),
    AWS_ROLE_ARN: 'arn:aws:iam::1:role/builder',
    AWS_ENDPOINT_URL_STS: `${aws.url}/sts`,
  });

  it('come from the spec, which wins', async () => {
    const attributes = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'very-secret', session_token: 'session' };
    expect(await found({ AWS_ACCESS_KEY_ID: 'WRONG', AWS_SECRET_ACCESS_KEY: 'wrong' }, attributes)).toBeUndefined();
  });

  it('come from the environment', async () => {
    const keys = {
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'very-secret',
      AWS_SESSION_TOKEN: 'session',
    };
    expect(await found(keys)).toBeUndefined();
  });

  it('come from a web identity', async () => {
    expect(await found(webIdentity())).toBeUndefined();
    // The token is in no URL.
    expect(aws.requests).toEqual(['POST /sts']);
  });

  it.each(['credentials', 'config'] as const)('come from a profile in the file of %s', async (name) => {
    const title = name === 'config' ? 'profile ci' : 'ci';
    const settings =
      'aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key=very-secret\naws_session_token = session\n';
    const path = file(
      name,
      `[default]\naws_access_key_id = WRONG\n\n[${title}]\ns3 =\n  addressing_style = path\n${settings}`,
    );
    const variable = name === 'config' ? 'AWS_CONFIG_FILE' : 'AWS_SHARED_CREDENTIALS_FILE';
    expect(await found({ [variable]: path, AWS_PROFILE: 'ci' })).toBeUndefined();
  });

  it("come from a container's service", async () => {
    const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/container` };
    expect(await found({ ...environment, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'pod-token' })).toBeUndefined();
    expect(
      await found({ ...environment, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file('token', 'pod-token\n') }),
    ).toBeUndefined();
  });

  it('are asked of no other host over plain HTTP', async () => {
    await using backend = await open({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://evil.example/container' });
    await expect(backend.find(sampleRecord('a').key, signal)).rejects.toMatchObject({ code: 'REGISTRY_UNSAFE' });
  });

  it("come from the machine's service", async () => {
    expect(
      await found({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.url }),
    ).toBeUndefined();
    expect(aws.requests[0]).toBe('PUT /latest/api/token');
  });

  it('are missing, and it is said where they were looked for', async () => {
    await using backend = await open({
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `${aws.url}/none`,
    });
    await expect(backend.find(sampleRecord('a').key, signal)).rejects.toMatchObject({
      code: 'REGISTRY_CREDENTIALS',
      message: expect.stringContaining('nor a web identity, a profile'),
    });
  });

  it('are in no profile that this program understands', async () => {
    const path = file('config', '[profile ci]\nsso_session = work\n');
    await using backend = await open({ AWS_CONFIG_FILE: path, AWS_PROFILE: 'ci' });
    await expect(backend.find(sampleRecord('a').key, signal)).rejects.toThrow('the AWS profile uses sso_session');
    await using other = await open({ AWS_PROFILE: 'none' });
    await expect(other.find(sampleRecord('a').key, signal)).rejects.toThrow('there is no AWS profile "none"');
  });

  it('are renewed before they end, and kept until then', async () => {
    let now = Date.now();
    aws.expires = now + 60 * MINUTE;
    const environment = { ...NOWHERE, ...webIdentity() };
    const chain = new CredentialChain({ attributes: new Map(), environment, region: 'eu-test-1', now: () => now });
    await chain.get(signal);
    now += 50 * MINUTE;
    await chain.get(signal);
    expect(aws.requests).toHaveLength(1);
    now += 6 * MINUTE;
    aws.accessKeyId = 'NEXT';
    aws.expires = now + 60 * MINUTE;
    expect(await chain.get(signal)).toMatchObject({ accessKeyId: 'NEXT' });
    // A service that fails costs nothing while the old ones are still good.
    now += 58 * MINUTE;
    aws.isDown = true;
    expect(await chain.get(signal)).toMatchObject({ accessKeyId: 'NEXT' });
    now += 3 * MINUTE;
    await expect(chain.get(signal)).rejects.toThrow('cannot exchange the web identity');
  });

  it('are asked for again when the service says that they are over', async () => {
    fake.identities.set('OVER', { secret: 'very-secret', sessionToken: 'session', isOver: true });
    aws.accessKeyId = 'OVER';
    await using backend = await open(webIdentity());
    await expect(backend.find(sampleRecord('a').key, signal)).rejects.toThrow('ExpiredToken');
    aws.accessKeyId = 'AKIDEXAMPLE';
    expect(await backend.find(sampleRecord('a').key, signal)).toBeUndefined();
    expect(aws.requests).toHaveLength(3);
  });
});
