import { OciError } from '../spec/oci-error.ts';
import { Field } from '../spec/json-document.ts';
import type { Reference } from '../spec/reference.ts';
import { checkReference } from './checked-input.ts';
import { responseError } from './network-error.ts';
import { pages } from './pages.ts';
import { plainText } from './plain-text.ts';
import { catalogScope, pullScope } from './scope.ts';
import type { Session } from './session.ts';

const PAGE_SIZE = 1000;

/**
 * The tags of a repository, page by page, in the registry's order. An unknown repository is `REGISTRY_NOT_FOUND`.
 * @throws OciError
 */
export async function* listTags(
  session: Session,
  reference: Reference,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  checkReference({ ...reference, tag: 'latest' });
  const endpoint = await session.endpoint(reference.registry, signal);
  const list = pages(session, endpoint, {
    method: 'GET',
    url: new URL(`${reference.repository}/tags/list?n=${PAGE_SIZE}`, endpoint.base),
    what: `cannot list the tags of ${reference.registry}/${reference.repository}`,
    expect: [200],
    scope: pullScope(reference.repository),
    signal,
  });
  for await (const { bytes, response } of list) {
    const tags = Field.parse(bytes, { name: 'list of tags', code: 'REGISTRY_RESPONSE' }).member('tags');
    for (const tag of tags.optional((field) => field.strings()) ?? []) {
      if (!/^\w[\w.-]{0,127}$/.test(tag)) throw responseError(response.url, `"${plainText(tag, 100)}" is not a tag`);
      yield tag;
    }
  }
}

/**
 * The repositories of a registry, page by page (distribution's `_catalog`; the specification has none). A registry that
 * does not tell is `UNSUPPORTED`.
 * @throws OciError
 */
export async function* listRepositories(
  session: Session,
  registry: string,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  checkReference({ registry, repository: 'any', tag: 'latest' });
  const endpoint = await session.endpoint(registry, signal);
  const list = pages(session, endpoint, {
    method: 'GET',
    url: new URL(`_catalog?n=${PAGE_SIZE}`, endpoint.base),
    what: `cannot list the repositories of ${registry}`,
    expect: [200, 404, 405],
    scope: catalogScope(),
    signal,
  });
  let isSupported = false;
  for await (const { bytes, response } of list) {
    isSupported = true;
    const names = Field.parse(bytes, { name: 'list of repositories', code: 'REGISTRY_RESPONSE' }).member(
      'repositories',
    );
    for (const name of names.optional((field) => field.strings()) ?? []) {
      // It becomes a part of URLs and of names on terminals.
      if (!/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(name)) {
        throw responseError(response.url, `"${plainText(name, 100)}" is not a repository`);
      }
      yield name;
    }
  }
  if (!isSupported) throw new OciError('UNSUPPORTED', `${registry} does not list its repositories`);
}
