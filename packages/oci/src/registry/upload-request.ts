import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import type { Endpoint } from './endpoint.ts';
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
