import { mayCarryCredential } from './credential-origin.ts';
import type { Endpoint } from './endpoint.ts';
import { responseError, unsafe } from './network-error.ts';
import { plainText } from './plain-text.ts';
import type { HttpResponse } from './http-response.ts';
import type { ApiRequest, Session } from './session.ts';

/** A page of a list; lists of a hundred thousand tags exist. */
const PAGE_LIMIT = 8 * 1024 * 1024;
const PAGES_LIMIT = 10_000;

/** One page: its bytes, and the answer they came with. */
export interface Page {
  readonly response: HttpResponse;
  readonly bytes: Uint8Array;
}

/**
 * The pages of a list, following `Link: <…>; rel="next"` (RFC 8288) on the same registry only. A 404 ends it; when it is the
 * first answer there is no page at all.
 * @throws OciError `LIMIT_EXCEEDED`, `REGISTRY_UNSAFE`, `REGISTRY_RESPONSE` for a list without end
 */
export async function* pages(
  session: Session,
  endpoint: Endpoint,
  request: ApiRequest,
): AsyncGenerator<Page, void, undefined> {
  const seen = new Set<string>();
  let url: URL | undefined = request.url;
  while (url !== undefined) {
    if (seen.has(url.href) || seen.size >= PAGES_LIMIT) throw responseError(url, 'its list does not end');
    seen.add(url.href);
    const response = await session.send(endpoint, { ...request, url });
    if (response.status !== 200) {
      await response.discard();
      return;
    }
    yield { response, bytes: await response.bytes(PAGE_LIMIT) };
    url = nextPage(response, url, endpoint);
  }
}

function nextPage(response: HttpResponse, current: URL, endpoint: Endpoint): URL | undefined {
  const target = parseNextLink(response.header('link'));
  if (target === undefined) return undefined;
  if (!URL.canParse(target, current.href))
    throw responseError(current, `its next page "${plainText(target, 100)}" is not a URL`);
  const url = new URL(target, current);
  if (mayCarryCredential(endpoint.base, url)) return url;
  throw unsafe(url, `${current.host} continues its list at another host, ${plainText(url.host)}`);
}

/** The target of the first link with the relation `next`. */
export function parseNextLink(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  for (const [, target = '', parameters = ''] of header.matchAll(/<([^<>]*)>([^<]*)/g)) {
    if (relationsOf(parameters).includes('next')) return target;
  }
  return undefined;
}

/** The relations that a link's parameters name, in lower case. */
function relationsOf(parameters: string): readonly string[] {
  const values = parameters.matchAll(/;\s*rel\s*=\s*(?:"([^"]*)"|([\w.-]+))/gi);
  return [...values].flatMap(([, quoted, plain = '']) => (quoted ?? plain).toLowerCase().split(/\s+/));
}
