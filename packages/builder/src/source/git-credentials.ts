import { BuildError } from '../diagnostics/build-error.ts';
import { repositoryAuthorization, type SecretLookup } from './remote-credentials.ts';

/** A credential for some URLs, in git's words, and the texts of it that no message may hold. */
export interface GitCredential {
  /** The URL below which it may be sent. */
  readonly scope: string;
  /** A line of git's configuration. */
  readonly configuration: readonly [key: string, value: string];
  /** Variables that the configuration refers to. */
  readonly variables: Readonly<Record<string, string>>;
  /** The value of the header Authorization by which tsbuild itself may ask. */
  readonly authorization: string;
  readonly secrets: readonly string[];
}

/**
 * A credential helper (gitcredentials(7)) that reads the environment. git asks it after a 401, and only for the origin that
 * its configuration names. User name and password in the URL itself would stand in the arguments of `git remote-http`.
 */
const HELPER = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$TSBUILD_GIT_USER" "$TSBUILD_GIT_PASSWORD"; }; f`;

/**
 * The credential that the build has for a remote: of its secrets, else from the URL.
 * @throws BuildError `OPTION_INVALID`, `DOCKERFILE_INVALID`
 */
export function credentialFor(remote: string, secret: SecretLookup | undefined): GitCredential | undefined {
  const authorization = secret && repositoryAuthorization(remote, secret);
  return authorization === undefined ? userCredential(remote) : headerCredential(remote, authorization);
}

/** A header for a repository, and for no other of its host but on GitHub, whose tokens are for submodules as well. */
export function headerCredential(remote: string, authorization: string): GitCredential {
  const plain = plainRemote(remote);
  const scope = /^https:\/\/(?:www\.)?github\.com\//i.exec(plain)?.[0] ?? plain;
  return {
    scope,
    configuration: [`http.${scope}.extraHeader`, `Authorization: ${authorization}`],
    variables: {},
    authorization,
    secrets: [authorization, ...authorization.split(' ').slice(1)],
  };
}

/** User name and password in the URL count for its origin, as relative submodules need them. */
function userCredential(remote: string): GitCredential | undefined {
  const match = /^(https?:\/\/)([^/?#]*)@([^/?#]+)/i.exec(remote);
  if (match === null) return undefined;
  const [, scheme = '', userinfo = '', host = ''] = match;
  const parts = userinfo.split(':');
  const name = decoded(parts[0] ?? '');
  const password = decoded(parts.slice(1).join(':'));
  // A line end would begin another line of what the helper says.
  if (/[\0\r\n]/.test(name + password)) {
    throw new BuildError('DOCKERFILE_INVALID', `the user name or password for ${host} contains a line break`);
  }
  const pair = Buffer.from(`${name}:${password}`).toString('base64');
  return {
    scope: `${scheme}${host}/`,
    configuration: [`credential.${scheme}${host}.helper`, HELPER],
    variables: { TSBUILD_GIT_USER: name, TSBUILD_GIT_PASSWORD: password },
    authorization: `Basic ${pair}`,
    secrets: [userinfo, pair, ...[...parts, name, password].filter((part) => part.length > 3)],
  };
}

/** Whether git would send a credential to a URL: the same test as its own (git-config(1), `http.<url>.*`). */
export function isInScope({ scope }: GitCredential, url: string): boolean {
  const [outer, inner] = [scope, url].map((text) => new URL(text.endsWith('/') ? text : `${text}/`));
  return outer !== undefined && inner !== undefined && inner.href.startsWith(outer.href);
}

/** A remote as git's own files may hold it. */
export function plainRemote(remote: string): string {
  return remote.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
