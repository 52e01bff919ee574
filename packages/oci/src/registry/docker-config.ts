import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { OciError } from '../spec/oci-error.ts';
import { Field } from '../spec/json-document.ts';
import type { DocumentKind } from '../spec/json-document.ts';
import { errnoOf } from '../processes/store-errors.ts';
import type { Credential, CredentialSource } from './credential.ts';
import { askHelper, serverUrl } from './credential-helper.ts';
import type { Environment } from './proxy.ts';

const KIND: DocumentKind = { name: 'Docker configuration', code: 'REGISTRY_CREDENTIALS' };

/** The path of Docker's client configuration: `config.json` in `$DOCKER_CONFIG` or `~/.docker`. */
export function dockerConfigPath(environment: Environment = process.env): string {
  const folder = environment.DOCKER_CONFIG;
  if (folder !== undefined && folder !== '') return join(folder, 'config.json');
  return join(environment.HOME || homedir(), '.docker', 'config.json');
}

/**
 * Credentials as `docker login` keeps them: by the helper that is configured for the registry (`credHelpers`) or for all
 * (`credsStore`), else in the file itself (`auths`). Keys may be hosts, hosts with a path for some repositories
 * only, or the URLs of former times (`https://index.docker.io/v1/`). The file is read anew for each question. The `auths` of
 * a document in `$DOCKER_AUTH_CONFIG` go before it, as in docker 28.3; in GitLab's jobs after it.
 */
export function dockerCredentials(
  options: { readonly configPath?: string; readonly environment?: Environment } = {},
): CredentialSource {
  const { environment = process.env, configPath = dockerConfigPath(environment) } = options;
  const fromConfig: CredentialSource = async (registry, repository, signal) => {
    const config = await readDockerConfig(configPath);
    if (config === undefined) return undefined;
    const helper = helperFor(config, registry);
    const kept =
      helper === undefined ? undefined : await askHelper(helper, registry, { environment, ...(signal && { signal }) });
    return kept ?? storedCredential(config, registry, repository);
  };
  const text = environment.DOCKER_AUTH_CONFIG;
  if (text === undefined || text.trim() === '') return fromConfig;
  const fromEnvironment: CredentialSource = async (registry, repository) =>
    storedCredential(parseConfig(Buffer.from(text), 'DOCKER_AUTH_CONFIG'), registry, repository);
  // GitLab's runners pull their own images with it, so what a job logged in to goes first there (docker/cli#6171).
  const order = environment.GITLAB_CI === 'true' ? [fromConfig, fromEnvironment] : [fromEnvironment, fromConfig];
  return async (...question) => (await order[0]?.(...question)) ?? (await order[1]?.(...question));
}

/** The file as a document; undefined when there is none. @throws OciError `REGISTRY_CREDENTIALS` */
export async function readDockerConfig(path: string): Promise<Field | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OciError('REGISTRY_CREDENTIALS', `cannot read the credentials in ${path}: ${why}`, {
      fields: { path },
      cause,
    });
  }
  return bytes.length === 0 ? undefined : parseConfig(bytes, path);
}

/** @throws OciError `REGISTRY_CREDENTIALS` */
function parseConfig(bytes: Uint8Array, path: string): Field {
  try {
    const config = Field.parse(bytes, { ...KIND, name: path });
    config.record();
    return config;
  } catch (cause) {
    // What the parser quotes of the text may be a password.
    throw new OciError(
      'REGISTRY_CREDENTIALS',
      `${path} is not a JSON document; repair it, or log in again without it`,
      {
        fields: { path },
        ...(cause instanceof OciError && cause.code === 'LIMIT_EXCEEDED' && { cause }),
      },
    );
  }
}

/** The helper that keeps a registry's credential. @throws OciError `REGISTRY_CREDENTIALS` */
export function helperFor(config: Field, registry: string): string | undefined {
  const helpers = config.member('credHelpers').optional((field) => field.stringMap()) ?? {};
  const own = Object.keys(helpers).find((key) => helpers[key] !== '' && keyParts(key).host === canonicalHost(registry));
  if (own !== undefined) return helpers[own];
  const store = config.member('credsStore').optional((field) => field.string());
  return store === '' ? undefined : store;
}

/** The credential in the file itself: the entry with the longest path that the repository is in, else the host's. */
function storedCredential(config: Field, registry: string, repository: string | undefined): Credential | undefined {
  const auths = config.member('auths');
  if (!auths.present) return undefined;
  const host = canonicalHost(registry);
  const fitting = auths
    .members()
    .map(([key, entry]) => ({ entry, key: keyParts(key) }))
    .filter(({ key }) => key.host === host && isBelow(repository, key.path))
    // Of equals, the one that docker itself would write.
    .toSorted((a, b) => b.key.path.length - a.key.path.length || Number(b.key.exact) - Number(a.key.exact));
  for (const { entry } of fitting) {
    const credential = decodeEntry(entry);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

function isBelow(repository: string | undefined, path: string): boolean {
  if (path === '') return true;
  return repository !== undefined && (repository === path || repository.startsWith(`${path}/`));
}

/** All names of Docker's own registry count as one. */
function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return lower === 'docker.io' || lower === 'registry-1.docker.io' ? 'index.docker.io' : lower;
}

/** Whether a key of `auths` stands for a registry as a whole. */
export function isKeyOf(key: string, registry: string): boolean {
  const parts = keyParts(key);
  return parts.path === '' && parts.host === canonicalHost(registry);
}

function keyParts(key: string): { readonly host: string; readonly path: string; readonly exact: boolean } {
  const bare = key.replace(/^https?:\/\//i, '');
  const slash = bare.indexOf('/');
  const host = canonicalHost(slash < 0 ? bare : bare.slice(0, slash));
  const path = slash < 0 ? '' : bare.slice(slash + 1).replace(/\/+$/, '');
  // `https://host/v1/` is how keys were written once; a path without a scheme is a namespace.
  const legacy = bare !== key || /^v[12]\/$/.test(bare.slice(slash + 1));
  return { host, path: legacy ? '' : path, exact: key === serverUrl(host) };
}

function decodeEntry(entry: Field): Credential | undefined {
  const text = (name: string): string => entry.member(name).optional((field) => field.string()) ?? '';
  const identityToken = text('identitytoken');
  const auth = text('auth');
  const pair = auth === '' ? undefined : decodeAuth(entry, auth);
  const username = pair?.username ?? text('username');
  if (identityToken !== '') return { ...(username !== '' && { username }), identityToken };
  const password = pair?.password ?? text('password');
  // `{}` marks that a helper has it.
  return username === '' || password === '' ? undefined : { username, password };
}

/** `auth` is base64 of `name:password`; old files end it in NUL. */
function decodeAuth(entry: Field, auth: string): { username: string; password: string } {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) entry.member('auth').fail('is not the base64 form of name:password; log in again');
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
