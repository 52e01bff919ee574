import type { WebClient } from '@tsbuild/oci/node';
import { type GitCredential, headerCredential, isInScope } from './git-credentials.ts';
import { hostAuthorization, type SecretLookup } from './remote-credentials.ts';

/** What every smart HTTP server is asked first (gitprotocol-http(5)). */
const DISCOVERY = '/info/refs?service=git-upload-pack';

/** Where a repository really lies, and the credential for that place, if there is one. */
export interface MovedRepository {
  readonly url: string;
  readonly credential: GitCredential | undefined;
  /** The old place had a credential, which is not for the new one, and there is no other. */
  readonly isWithheld: boolean;
}

/**
 * Follows the redirects of a repository in git's place. git would ask the new host with the headers that were meant for the
 * old one (`http.extraHeader` stays as it is when the remote's address changes). Here the rule for credentials is the
 * web client's: the same scheme, host and port, or a secret that names the new host.
 * @returns undefined when the repository does not lead to another one
 * @throws OciError of the client
 */
export async function findRepository(
  client: WebClient,
  from: string,
  known: { readonly credentials: readonly GitCredential[]; readonly secret: SecretLookup | undefined },
  signal: AbortSignal,
): Promise<MovedRepository | undefined> {
  const credential = known.credentials.find((one) => isInScope(one, from));
  const asked = new URL(from.replace(/\/+$/, '') + DISCOVERY);
  const headers = {
    'User-Agent': 'git/2 tsbuild',
    ...(credential !== undefined && { Authorization: credential.authorization }),
  };
  const response = await client.get(asked, headers, signal);
  await response.discard();
  const { href } = response.url;
  // Anything else is a page for people, such as a form to log in.
  if (href === asked.href || !href.endsWith(DISCOVERY)) return undefined;
  const url = href.slice(0, -DISCOVERY.length);
  if (!response.strayed && credential !== undefined) {
    const kept = isInScope(credential, url) ? undefined : headerCredential(url, credential.authorization);
    return { url, credential: kept, isWithheld: false };
  }
  const own = known.secret && hostAuthorization(url, known.secret);
  if (own !== undefined) return { url, credential: headerCredential(url, own), isWithheld: false };
  return { url, credential: undefined, isWithheld: credential !== undefined };
}
