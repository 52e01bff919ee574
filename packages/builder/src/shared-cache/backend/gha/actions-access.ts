import type { Environment } from '@tsbuild/oci/node';

/** How the cache service of GitHub Actions is reached by a job. */
export interface ActionsAccess {
  /** Ends in `/`. */
  readonly url: URL;
  readonly token: string;
  readonly canWrite: boolean;
}

/** What the service allows in the member `Permission` of a scope. */
const WRITE = 2;

/** The access of the job that this runs in; why there is none, for people. */
export function actionsAccess(
  attributes: ReadonlyMap<string, string>,
  environment: Environment,
): ActionsAccess | string {
  const text = attributes.get('url_v2') || environment['ACTIONS_RESULTS_URL'] || '';
  const token = attributes.get('token') || environment['ACTIONS_RUNTIME_TOKEN'] || '';
  if (text === '' || token === '') {
    const missing = text === '' ? 'ACTIONS_RESULTS_URL' : 'ACTIONS_RUNTIME_TOKEN';
    return `${missing} is not in the environment: a step of a workflow gets it from an action that exports it`;
  }
  const url = URL.canParse(text) ? new URL(text.endsWith('/') ? text : `${text}/`) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'ACTIONS_RESULTS_URL is no URL of HTTP';
  return { url, token, canWrite: mayWrite(token) };
}

/** Jobs of pull requests from forks have tokens that may only read: the claim `ac` of the token (RFC 7519) says so. */
function mayWrite(token: string): boolean {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { ac?: unknown };
    const scopes: unknown = JSON.parse(String(claims.ac));
    if (!Array.isArray(scopes)) return true;
    return scopes.some((scope: { readonly Permission?: unknown }) => (Number(scope.Permission) & WRITE) !== 0);
  } catch {
    return true; // The service will say.
  }
}
