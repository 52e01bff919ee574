import { mayCarryCredential, withoutCredentialHeaders } from './credential-origin.ts';
import type { HttpResponse } from './http-response.ts';
import { responseError, unsafe } from './network-error.ts';
import { plainText } from './plain-text.ts';
import type { HttpRequest, Transport } from './transport.ts';

const HOPS = 10;

/**
 * Sends a request and follows redirects, at most ten. Credentials go to the origin that they
 * were given for and to no other, also when a later hop leads back. Writing follows only 307 and 308.
 * @throws OciError `REGISTRY_UNSAFE` for a way from HTTPS to HTTP or out of HTTP, `REGISTRY_RESPONSE` for a loop
 */
export async function followRedirects(transport: Transport, request: HttpRequest): Promise<HttpResponse> {
  let current = request;
  for (let hop = 0; hop <= HOPS; hop++) {
    const response = await transport.exchange(current);
    if (!isRedirect(response.status, request.method)) return response;
    await response.discard();
    const url = resolveLocation(response, 'redirects');
    const strayed = current.strayed === true || !mayCarryCredential(current.url, url);
    const headers = strayed ? withoutCredentialHeaders(current.headers) : current.headers;
    current = { ...current, url, headers, strayed };
  }
  throw responseError(request.url, `it redirects more than ${HOPS} times`);
}

function isRedirect(status: number, method: string): boolean {
  if (status === 307 || status === 308) return true;
  return (method === 'GET' || method === 'HEAD') && (status === 301 || status === 302 || status === 303);
}

/** The Location of an answer, relative to where that came from; `how` says what it is for, in messages. */
export function resolveLocation(response: HttpResponse, how: string): URL {
  const text = response.header('location');
  if (text === undefined) throw responseError(response.url, `it ${how} without a target`);
  if (text.length > 16_384 || !URL.canParse(text, response.url.href)) {
    throw responseError(response.url, `it ${how} to "${plainText(text, 100)}", which is not a URL`);
  }
  const url = new URL(text, response.url);
  url.hash = '';
  // A name in a URL is not ours to send.
  url.username = '';
  url.password = '';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw unsafe(
      response.url,
      `${response.url.host} ${how} to ${plainText(url.protocol, 20)}, which is not a protocol for registries`,
    );
  }
  if (response.url.protocol === 'https:' && url.protocol === 'http:') {
    throw unsafe(
      response.url,
      `${response.url.host} ${how} from HTTPS to plain HTTP at ${url.host}; a proxy in front of it may hide that it uses HTTPS (X-Forwarded-Proto)`,
    );
  }
  return url;
}
