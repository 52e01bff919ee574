/** What a registry knows a person by: a name and password (or access token), or an OAuth2 identity (refresh) token. */
export type Credential =
  | { readonly username: string; readonly password: string }
  | { readonly username?: string; readonly identityToken: string };

/**
 * Finds the credential for a registry (`docker.io`, `ghcr.io`, `localhost:5000`), possibly one for this repository only;
 * undefined means anonymous. It is asked only after the registry has refused an anonymous request.
 */
export type CredentialSource = (
  registry: string,
  repository?: string,
  signal?: AbortSignal,
) => Promise<Credential | undefined>;
