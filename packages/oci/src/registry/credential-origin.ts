/**
 * The one rule for credentials on the way: what was given for a URL may be sent to another only if scheme, host and port are
 * the same (the origin of RFC 6454). A different port is another service, another name another owner, and plain HTTP
 * another reader, also on the same host (CVE-2020-15157, CVE-2018-1000007, CVE-2022-27774).
 */
export function mayCarryCredential(givenFor: URL, to: URL): boolean {
  // An opaque origin ("null") equals no other.
  return givenFor.origin !== 'null' && givenFor.origin === to.origin;
}

/** Headers that hold credentials, in lower case. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** What may be sent to any host. */
export function withoutCredentialHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIAL_HEADERS.has(name.toLowerCase())));
}
