import { OciError } from '../spec/oci-error.ts';
import { Field } from '../spec/json-document.ts';
import { isInsecure } from './agents.ts';
import type { Challenge } from './authenticate-header.ts';
import type { Credential } from './credential.ts';
import { responseError, unsafe } from './network-error.ts';
import { plainText } from './plain-text.ts';
import { bareHost, isLoopback } from './proxy.ts';
import { statusError } from './registry-error.ts';
import type { Scope } from './scope.ts';
import type { HttpRequest, Transport } from './transport.ts';

const TOKEN_LIMIT = 1024 * 1024;

/** What a token server that says nothing grants (distribution token specification), in seconds. */
const DEFAULT_LIFETIME = 60;

/** A bearer token and the moment it should no longer be used, in milliseconds since the epoch. */
export interface Token {
  readonly value: string;
  readonly expires: number;
}

/** What a token is asked for. */
export interface TokenRequest {
  /** The registry's own address: what its challenge may lead to depends on it. */
  readonly base: URL;
  readonly challenge: Challenge;
  readonly scope: Scope;
  readonly credential: Credential | undefined;
  /** Hosts that the user takes for safe without TLS. */
  readonly insecure: readonly string[];
  readonly now: number;
}

/** The Authorization of RFC 7617. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/**
 * Gets a token from the server that a registry's challenge names: with GET and basic authentication, or anonymously, or
 * with POST and an identity token (OAuth2 refresh). Redirects are not followed: the request is a secret.
 * @throws OciError `REGISTRY_UNSAFE` for a realm that would expose the credential, `REGISTRY_DENIED`, …
 */
export async function fetchToken(transport: Transport, request: TokenRequest): Promise<Token> {
  const realm = checkedRealm(request);
  const service = request.challenge.parameters.get('service');
  const { credential } = request;
  const response = await transport.exchange(
    credential !== undefined && 'identityToken' in credential
      ? refreshRequest(realm, service, request.scope, credential.identityToken)
      : tokenRequest(realm, service, request.scope, credential),
  );
  if (response.status !== 200) {
    const who = credential === undefined ? 'anonymously' : 'with the stored credential';
    const error = await statusError(response, `cannot get a token for ${request.base.host} ${who}`, request.now);
    throw asDenied(error);
  }
  return decodeToken(await response.bytes(TOKEN_LIMIT), response.url, request.now);
}

/** A token server refuses a wrong password with 400, 401 or 403, as it likes. */
function asDenied(error: OciError): OciError {
  if (error.fields.status !== 400) return error;
  return new OciError('REGISTRY_DENIED', error.message, { fields: error.fields, cause: error });
}

/**
 * The realm must be HTTPS. A registry that itself is plain HTTP may name a plain realm on its own host, on loopback if it is
 * there too, or on a host that the user lists as insecure; to any other address (a cloud's metadata service, say)
 * nothing is sent.
 */
function checkedRealm({ base, challenge, insecure }: TokenRequest): URL {
  const text = challenge.parameters.get('realm') ?? '';
  if (!URL.canParse(text)) throw responseError(base, `its token server "${plainText(text, 100)}" is not a URL`);
  const realm = new URL(text);
  if (realm.username !== '' || realm.password !== '')
    throw responseError(base, 'its token server has a user name in its URL');
  if (realm.protocol === 'https:') return realm;
  const near = bareHost(realm) === bareHost(base) || (isLoopback(bareHost(realm)) && isLoopback(bareHost(base)));
  const trusted = near || isInsecure(realm, insecure);
  if (realm.protocol === 'http:' && base.protocol === 'http:' && trusted) return realm;
  throw unsafe(
    realm,
    `${base.host} asks for credentials to be sent to ${realm.protocol}//${realm.host}, which is not safe; nothing was sent`,
  );
}

function tokenRequest(
  realm: URL,
  service: string | undefined,
  scope: Scope,
  credential: Credential | undefined,
): HttpRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const one of scope) url.searchParams.append('scope', one);
  if (credential === undefined || !('password' in credential)) return { method: 'GET', url, headers: {} };
  url.searchParams.set('account', credential.username);
  const headers = { Authorization: basicAuthorization(credential.username, credential.password) };
  return { method: 'GET', url, headers };
}

function refreshRequest(url: URL, service: string | undefined, scope: Scope, identityToken: string): HttpRequest {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'tsbuild', refresh_token: identityToken });
  if (service !== undefined) form.set('service', service);
  if (scope.length > 0) form.set('scope', scope.join(' '));
  const bytes = Buffer.from(form.toString());
  return {
    method: 'POST',
    url,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: { length: bytes.length, open: () => once(bytes) },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function decodeToken(bytes: Uint8Array, url: URL, now: number): Token {
  const root = Field.parse(bytes, { name: `token of ${url.host}`, code: 'REGISTRY_RESPONSE' });
  // Some servers name both and fill one; Go's clients take the one that is not empty.
  const filled = ['token', 'access_token'].find((name) => root.member(name).present && root.member(name).value !== '');
  const value = root.member(filled ?? 'token').string();
  // It goes into a header; what does not fit into one is no token.
  if (!/^[\x21-\x7E]{1,65536}$/.test(value)) throw responseError(url, 'its token is not made of printable characters');
  const lifetime = root.member('expires_in').value;
  const seconds = typeof lifetime === 'number' && lifetime > 0 ? lifetime : DEFAULT_LIFETIME;
  return { value, expires: now + seconds * 900 }; // a tenth of its life is kept for the way and for clocks that differ
}
