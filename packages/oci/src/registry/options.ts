import type { Digest } from '../spec/digest.ts';
import type { CredentialSource } from './credential.ts';

/** How a {@link RegistryClient} reaches registries. Everything has a default that suits `docker`'s habits. */
export interface RegistryOptions {
  /** Default: `$DOCKER_AUTH_CONFIG`, `config.json` in `$DOCKER_CONFIG` or `~/.docker`, and the credential helpers that it names. */
  readonly credentials?: CredentialSource;
  /**
   * For a registry, the hosts to read from first, in order: `{'docker.io': ['mirror.local:5000']}`. A host may carry a
   * scheme and a path (`https://mirror.local/hub`). Writing goes to the registry itself.
   */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /** Hosts that may speak plain HTTP, or TLS that cannot be verified. Loopback hosts may always speak plain HTTP. */
  readonly insecure?: readonly string[];
  /** PEM files of certificate authorities to trust beside the well-known ones. */
  readonly caFiles?: readonly string[];
  /** Where HTTP_PROXY, HTTPS_PROXY, NO_PROXY, DOCKER_CONFIG and PATH are read from. Default: `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How many blobs may be on their way at once, in each direction. Default 4. */
  readonly parallel?: number;
  readonly onProgress?: (event: TransferEvent) => void;
  /** Told of each request of the distribution API, for those who count them: tokens and redirects are none. */
  readonly onRequest?: (request: { readonly method: string; readonly url: URL }) => void;
  readonly retry?: RetryPolicy;
  /** How long a connection may be silent, in milliseconds; also the limit of a trickle. Default 30 000. */
  readonly idleMilliseconds?: number;
  /** Time and chance, for tests. */
  readonly clock?: Clock;
}

/** How often a request is tried, and how long is waited in between: doubling from `base` up to `max`. */
export interface RetryPolicy {
  /** Including the first; at least 1. */
  readonly attempts: number;
  readonly baseMilliseconds: number;
  /** Also the longest wait that a registry's Retry-After is granted. */
  readonly maxMilliseconds: number;
}

/** Progress of one blob; `transferred` and `total` in bytes. The last event of a blob that arrived has `done: true`. */
export interface TransferEvent {
  readonly kind: 'download' | 'upload';
  readonly digest: Digest;
  readonly transferred: number;
  readonly total: number;
  readonly done: boolean;
  /** With the last event of an upload: why nothing had to be sent. */
  readonly note?: 'exists' | 'mounted';
}

/** Time and chance. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects with the signal's reason when that is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** From 0 to below 1. */
  random(): number;
}
