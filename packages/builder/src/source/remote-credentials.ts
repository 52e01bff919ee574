/** Gives the secrets of the build (`--secret`) by their ids. */
export type SecretLookup = (id: string) => Uint8Array | undefined;

/**
 * The `Authorization` header for a download, if the build was given a secret for its host: `HTTP_AUTH_HEADER_<host>` is
 * the header's value, `HTTP_AUTH_TOKEN_<host>` a bearer token. `<host>` has the port where the URL names one; without
 * it the secret is for every port.
 */
export function downloadAuthorization(url: URL, secret: SecretLookup): string | undefined {
  for (const host of hostsOf(url)) {
    const header = textOf(secret(`HTTP_AUTH_HEADER_${host}`));
    if (header !== undefined) return header;
    const token = textOf(secret(`HTTP_AUTH_TOKEN_${host}`));
    if (token !== undefined) return `Bearer ${token}`;
  }
  return undefined;
}

/** What a download that was refused for want of a credential could have been given. */
export function downloadSecretHint(url: URL): string {
  return `give the build a token for this host: --secret id=HTTP_AUTH_TOKEN_${url.host},env=VARIABLE`;
}

/**
 * The `Authorization` header for a repository over HTTP: of the secrets `GIT_AUTH_HEADER.<host>`,
 * `GIT_AUTH_TOKEN.<host>`, `GIT_AUTH_HEADER`, `GIT_AUTH_TOKEN` the first that there is. A header that is a mere scheme
 * (`bearer`, `basic`) says how the token is sent; otherwise it is the password of `x-access-token`, which the great
 * hosts all understand.
 */
export function repositoryAuthorization(remote: string, secret: SecretLookup): string | undefined {
  if (!/^https?:/i.test(remote) || !URL.canParse(remote)) return undefined;
  for (const suffix of [...hostsOf(new URL(remote)).map((host) => `.${host}`), '']) {
    const header = textOf(secret(`GIT_AUTH_HEADER${suffix}`));
    const token = textOf(secret(`GIT_AUTH_TOKEN${suffix}`));
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

/** The secret as a line: files end with a newline, and nothing else may break a header apart. */
function textOf(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = Buffer.from(value).toString('utf8').trim();
  return text === '' || /[\x00-\x1f\x7f]/.test(text) ? undefined : text;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
