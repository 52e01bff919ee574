import { OciError } from '../spec/oci-error.ts';
import { abortable } from './abortable.ts';
import { parseAuthenticate } from './authenticate-header.ts';
import type { Challenge } from './authenticate-header.ts';
import type { Credential, CredentialSource } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import type { Clock, RetryPolicy } from './options.ts';
import { plainText } from './plain-text.ts';
import { retrying } from './retry.ts';
import { scopeRepository, withChallenge } from './scope.ts';
import type { Scope } from './scope.ts';
import { basicAuthorization, fetchToken } from './token.ts';
import type { Transport } from './transport.ts';

interface Grant {
  readonly header: string;
  /** Milliseconds since the epoch; Infinity for basic authentication. */
  readonly expires: number;
}

/** What an {@link Authorizer} works with. */
export interface AuthorizerOptions {
  readonly transport: Transport;
  readonly credentials: CredentialSource;
  readonly clock: Clock;
  readonly retry: RetryPolicy;
  readonly insecure: readonly string[];
}

/**
 * Knows what to put into Authorization for which registry. A grant is kept per registry and scope, so one registry
 * never sees another's, and requests that need the same grant at once share one token request.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #grants = new Map<string, Grant>();
  readonly #challenges = new Map<string, Challenge>();
  readonly #pending = new Map<string, Promise<Grant>>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** What to send with a first attempt; nothing for a registry that has not asked yet. */
  async known(endpoint: Endpoint, scope: Scope, signal?: AbortSignal): Promise<string | undefined> {
    const grant = this.#grants.get(keyOf(endpoint, scope));
    if (grant !== undefined && grant.expires > this.#options.clock.now()) return grant.header;
    const challenge = this.#challenges.get(endpoint.base.origin);
    if (challenge === undefined) return undefined;
    return await this.#acquire(endpoint, scope, challenge, signal);
  }

  /**
   * What to send after a 401; undefined when there is nothing that could help. `used` is what was refused.
   * @throws OciError `REGISTRY_DENIED`, `REGISTRY_UNSAFE`, `REGISTRY_CREDENTIALS`
   */
  async answer(
    endpoint: Endpoint,
    scope: Scope,
    refusal: { readonly header: string | undefined; readonly used: string | undefined },
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const key = keyOf(endpoint, scope);
    const current = this.#grants.get(key);
    // Somebody else has been refused too, and has a new grant already.
    if (current !== undefined && current.header !== refusal.used) return current.header;
    this.#grants.delete(key);
    const challenges = parseAuthenticate(refusal.header);
    const challenge = challenges.find(isBearer) ?? challenges.find((one) => one.scheme === 'basic');
    if (challenge === undefined) return undefined;
    if (challenge.scheme === 'basic' && refusal.used?.startsWith('Basic ') === true) return undefined;
    const header = await this.#acquire(endpoint, scope, challenge, signal);
    this.#challenges.set(endpoint.base.origin, challenge);
    return header;
  }

  async #acquire(endpoint: Endpoint, scope: Scope, challenge: Challenge, signal?: AbortSignal): Promise<string> {
    const key = keyOf(endpoint, scope);
    const work = this.#pending.get(key) ?? this.#start(key, endpoint, scope, challenge);
    return (await abortable(work, signal)).header;
  }

  /** Not under any caller's signal: others may be waiting for the same grant. */
  #start(key: string, endpoint: Endpoint, scope: Scope, challenge: Challenge): Promise<Grant> {
    const work = this.#grant(endpoint, scope, challenge)
      .then((grant) => {
        this.#grants.set(key, grant);
        return grant;
      })
      .finally(() => this.#pending.delete(key));
    work.catch(() => {}); // every caller may have left
    this.#pending.set(key, work);
    return work;
  }

  async #grant(endpoint: Endpoint, scope: Scope, challenge: Challenge): Promise<Grant> {
    const { transport, credentials, clock, insecure } = this.#options;
    const credential = await credentials(endpoint.registry, scopeRepository(scope));
    if (challenge.scheme === 'basic')
      return { header: basicHeader(endpoint, challenge, credential), expires: Infinity };
    const wanted = withChallenge(scope, challenge.parameters.get('scope'));
    const token = await retrying(this.#options, () =>
      fetchToken(transport, { base: endpoint.base, challenge, scope: wanted, credential, insecure, now: clock.now() }),
    );
    return { header: `Bearer ${token.value}`, expires: token.expires };
  }
}

function keyOf(endpoint: Endpoint, scope: Scope): string {
  return `${endpoint.base.origin} ${scope.join(' ')}`;
}

function isBearer(challenge: Challenge): boolean {
  return challenge.scheme === 'bearer' && challenge.parameters.has('realm');
}

function basicHeader(endpoint: Endpoint, challenge: Challenge, credential: Credential | undefined): string {
  if (credential !== undefined && 'password' in credential) {
    return basicAuthorization(credential.username, credential.password);
  }
  const realm = plainText(challenge.parameters.get('realm') ?? '', 60);
  const why = credential === undefined ? 'no credential is stored for it' : 'it does not accept identity tokens';
  throw new OciError(
    'REGISTRY_DENIED',
    `${endpoint.registry} requires a user name and password${realm === '' ? '' : ` for "${realm}"`}: ${why}; log in first`,
    { fields: { registry: endpoint.registry, status: 401 } },
  );
}
