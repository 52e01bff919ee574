import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { mayCarryCredential } from './credential-origin.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpResponse } from './http-response.ts';
import { unsafe } from './network-error.ts';
import { resolveLocation } from './redirect.ts';
import type { Scope } from './scope.ts';
import type { Session } from './session.ts';

/** Everything one upload needs to know. */
export interface Upload {
  readonly session: Session;
  readonly endpoint: Endpoint;
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly scope: Scope;
  readonly what: string;
  readonly signal: AbortSignal | undefined;
  readonly progress: (sent: number) => void;
}

/** Adds the digest to a Location, whose own query is the registry's and must not be written differently. */
export function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.search = `${location.search === '' ? '?' : `${location.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

/**
 * Where an upload goes on. Another host may take it, without our credentials; that host cannot lead back into the registry,
 * where a request of its choice would be sent with them.
 * @throws OciError `REGISTRY_UNSAFE`, `REGISTRY_RESPONSE`
 */
export function uploadLocation(endpoint: Endpoint, response: HttpResponse): URL {
  const location = resolveLocation(response, 'sends the upload');
  const fromOutside = response.strayed || !mayCarryCredential(endpoint.base, response.url);
  if (fromOutside && mayCarryCredential(endpoint.base, location)) {
    throw unsafe(response.url, `${response.url.host} sends an upload back to ${location.host}, from where it came`);
  }
  return location;
}
