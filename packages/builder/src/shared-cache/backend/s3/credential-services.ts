import { readFile } from 'node:fs/promises';
import { OciError } from '@tsbuild/oci';
import type { HttpRequest } from '@tsbuild/oci/internal';
import type { Environment } from '@tsbuild/oci/node';
import { WebSender } from '../web/web-sender.ts';

/** What a service of credentials answers. */
interface ServedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expires: number;
}

/** Bytes of such an answer. */
const ANSWER_LIMIT = 64 * 1024;

/** Who has no such service hears nothing from it: milliseconds. */
const NEARBY_PATIENCE = 1500;

/** Hosts of plain HTTP that the AWS tools, too, ask for a container's credentials: ECS, EKS Pod Identity. */
const CONTAINER_HOSTS: ReadonlySet<string> = new Set([
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '127.0.0.1',
  '[::1]',
]);

/** Exchanges a token of the cluster's for credentials (STS `AssumeRoleWithWebIdentity`); undefined without one. */
export async function webIdentityCredentials(
  { environment, region }: { readonly environment: Environment; readonly region: string },
  signal: AbortSignal,
): Promise<ServedCredentials | undefined> {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role, AWS_ROLE_SESSION_NAME: session } = environment;
  if (!file || !role) return undefined;
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: session || 'tsbuild',
    WebIdentityToken: (await tokenIn(file)).trim(),
  });
  // In the body, as URLs are logged on their way.
  const bytes = Buffer.from(form.toString());
  const suffix = region.startsWith('cn-') ? '.cn' : '';
  const url = new URL(environment['AWS_ENDPOINT_URL_STS'] || `https://sts.${region}.amazonaws.com${suffix}/`);
  using sender = new WebSender({ environment });
  const answer = await textOf(sender, 'cannot exchange the web identity for AWS credentials', signal, {
    method: 'POST',
    url,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: {
      length: bytes.length,
      open: async function* () {
        yield bytes;
      },
    },
  });
  const field = (name: string): unknown => new RegExp(`<${name}>([^<]*)<`).exec(answer)?.[1];
  return served(field('AccessKeyId'), field('SecretAccessKey'), field('SessionToken'), field('Expiration'), url);
}

/** Asks the service that a container was told of; undefined without one. */
export async function containerCredentials(
  environment: Environment,
  signal: AbortSignal,
): Promise<ServedCredentials | undefined> {
  const relative = environment['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const full = environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  if (!relative && !full) return undefined;
  const url = new URL(relative ? `http://169.254.170.2${relative}` : (full ?? ''));
  if (url.protocol !== 'https:' && !CONTAINER_HOSTS.has(url.hostname)) {
    throw new OciError('REGISTRY_UNSAFE', `refused to ask ${url.host} for AWS credentials over plain HTTP`);
  }
  const file = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file ? (await tokenIn(file)).trim() : environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  using sender = nearby();
  const what = 'cannot get the AWS credentials of this container';
  return servedJson(
    await textOf(sender, what, signal, { method: 'GET', url, headers: token ? { Authorization: token } : {} }),
    url,
  );
}

/** Asks the machine for its role's credentials (IMDSv2); undefined where there is no such service, or no role. */
export async function instanceCredentials(
  environment: Environment,
  signal: AbortSignal,
): Promise<ServedCredentials | undefined> {
  if (environment['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') return undefined;
  const base = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || 'http://169.254.169.254';
  const at = (path: string): URL => new URL(`${base.replace(/\/$/, '')}/latest/${path}`);
  using sender = nearby();
  const what = 'cannot get the AWS credentials of this machine';
  let token: string;
  try {
    const headers = { 'X-aws-ec2-metadata-token-ttl-seconds': '300' };
    token = await textOf(sender, what, signal, { method: 'PUT', url: at('api/token'), headers });
  } catch {
    signal.throwIfAborted();
    return undefined; // No machine of AWS's.
  }
  const headers = { 'X-aws-ec2-metadata-token': token };
  const roles = at('meta-data/iam/security-credentials/');
  const list = await sender.send(what, async () => ({ method: 'GET', url: roles, headers }), signal, [404]);
  const [role = ''] = new TextDecoder().decode(await list.bytes(ANSWER_LIMIT)).split('\n');
  if (list.status === 404 || role.trim() === '') return undefined;
  const url = new URL(encodeURIComponent(role.trim()), roles);
  return servedJson(await textOf(sender, what, signal, { method: 'GET', url, headers }), url);
}

function nearby(): WebSender {
  // Never through a proxy: these addresses mean this machine.
  return new WebSender({ environment: {}, idleMilliseconds: NEARBY_PATIENCE, attempts: 2 });
}

async function textOf(sender: WebSender, what: string, signal: AbortSignal, request: HttpRequest): Promise<string> {
  const response = await sender.send(what, async () => request, signal);
  return new TextDecoder().decode(await response.bytes(ANSWER_LIMIT));
}

async function tokenIn(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new OciError('REGISTRY_CREDENTIALS', `cannot read the token for AWS in ${path}`, { cause });
  }
}

function servedJson(answer: string, url: URL): ServedCredentials {
  let value: Readonly<Record<string, unknown>> = {};
  try {
    value = JSON.parse(answer) as Readonly<Record<string, unknown>>;
  } catch {
    // It has no credentials then, which is said below.
  }
  return served(value['AccessKeyId'], value['SecretAccessKey'], value['Token'], value['Expiration'], url);
}

function served(id: unknown, secret: unknown, token: unknown, expiration: unknown, url: URL): ServedCredentials {
  const expires = typeof expiration === 'string' ? Date.parse(expiration) : Number.NaN;
  if (typeof id !== 'string' || typeof secret !== 'string' || typeof token !== 'string' || Number.isNaN(expires)) {
    throw new OciError('REGISTRY_CREDENTIALS', `${url.host} answered without AWS credentials`);
  }
  return { accessKeyId: id, secretAccessKey: secret, sessionToken: token, expires };
}
