import { BuildError } from '../diagnostics/build-error.ts';

/** Gives the secrets of the build (`--secret`) by their ids. */
export type SecretLookup = (id: string) => Uint8Array | undefined;

/**
 * The `Authorization` header for a download, if the build was given a secret for its host: `HTTP_AUTH_HEADER_<host>` is
 * the header's value, `HTTP_AUTH_TOKEN_<host>` a bearer token. `<host>` has the port where the URL names one; without
 * it the secret is for every port.
 * @throws BuildError `OPTION_INVALID` for a secret that is no line of text
 */
export function downloadAuthorization(url: URL, secret: SecretLookup): string | undefined {
  for (const host of hostsOf(url)) {
    const header = lineOf(`HTTP_AUTH_HEADER_${host}`, secret);
    if (header !== undefined) return header;
    const token = lineOf(`HTTP_AUTH_TOKEN_${host}`, secret);
    if (token !== undefined) return `Bearer ${token}`;
  }
  return undefined;
}

/** What a download that was refused for want of a credential could have been given. */
export function downloadSecretHint(url: URL): string {
  return `pass a token for this host: --secret id=HTTP_AUTH_TOKEN_${url.host},env=VARIABLE`;
}

/**
 * The `Authorization` header for a repository over HTTP: of the secrets `GIT_AUTH_HEADER.<host>`,
 * `GIT_AUTH_TOKEN.<host>`, `GIT_AUTH_HEADER`, `GIT_AUTH_TOKEN` the first that there is. A header that is a mere scheme
 * (`bearer`, `basic`) says how the token is sent; otherwise it is the password of `x-access-token`, which the great
 * hosts all understand.
 * @throws BuildError `OPTION_INVALID` for a secret that is no line of text
 */
export function repositoryAuthorization(remote: string, secret: SecretLookup): string | undefined {
  return gitAuthorization(remote, secret, ['']);
}

/** The same for a repository that a redirect leads to: only a secret that names its host counts there. */
export function hostAuthorization(remote: string, secret: SecretLookup): string | undefined {
  return gitAuthorization(remote, secret, []);
}

function gitAuthorization(remote: string, secret: SecretLookup, general: readonly string[]): string | undefined {
  if (!/^https?:/i.test(remote) || !URL.canParse(remote)) return undefined;
  for (const suffix of [...hostsOf(new URL(remote)).map((host) => `.${host}`), ...general]) {
    const header = lineOf(`GIT_AUTH_HEADER${suffix}`, secret);
    const token = lineOf(`GIT_AUTH_TOKEN${suffix}`, secret);
    if (header !== undefined && !/^(?:bearer|basic)$/i.test(header)) return header;
    if (token !== undefined) return schemed(header?.toLowerCase(), token);
  }
  return undefined;
}

function schemed(scheme: string | undefined, token: string): string {
  if (scheme === 'bearer') return `Bearer ${token}`;
  // Told that it is basic, the token is the pair itself: plain, or encoded already.
  if (scheme === 'basic') return `Basic ${token.includes(':') ? base64(token) : token}`;
  return `Basic ${base64(`x-access-token:${token}`)}`;
}

function hostsOf({ host, hostname }: URL): readonly string[] {
  return host === hostname ? [host] : [host, hostname];
}

/** Files end with a newline; nothing else may break a header apart. An empty secret is none. */
function lineOf(id: string, secret: SecretLookup): string | undefined {
  const value = secret(id);
  const text = value === undefined ? '' : Buffer.from(value).toString('utf8').trim();
  if (/[^\x20-\x7e]/.test(text)) {
    throw new BuildError('OPTION_INVALID', `the secret ${id} is not a single line of plain text`, {
      hint: 'it is sent in a header, so it must contain only a token or the value of the header',
    });
  }
  return text === '' ? undefined : text;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
