import type { Environment, RegistryClient } from '@tsbuild/oci/node';

/** What places are reached with. */
export interface BackendAccess {
  /** A client of the caller's registries; the hosts of `insecure` may speak plain HTTP. Whoever asks for it closes it. */
  readonly client: (options: { readonly insecure: readonly string[] }) => RegistryClient;
  /** Credentials and addresses of places that are no registry: AWS_*, ACTIONS_*. */
  readonly environment: Environment;
  /** Relative paths start here. */
  readonly directory: string;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Told of requests to places that are no registry; the client of registries has hooks of its own. */
  readonly traffic?: Traffic;
}

/** Whoever counts requests, and the bytes of their bodies. */
export interface Traffic {
  readonly onRequest: () => void;
  readonly onBytes: (direction: 'up' | 'down', bytes: number) => void;
}
