/** What a request to a registry is about. */
type RouteKind =
  /** `/v2/`, by which a client finds out how the host is reached. */
  | 'probe'
  | 'manifest'
  | 'blob'
  /** POST, PATCH and PUT of an upload, and what asks for its state. */
  | 'upload'
  | 'tags'
  | 'other';

/** A request's path, taken apart. */
export interface Route {
  readonly kind: RouteKind;
  readonly repository: string;
  /** Of a manifest: its tag or digest. Of a blob, and of an upload's last PUT: its digest. */
  readonly name: string;
  /** Of a mount: the repository that has the blob. */
  readonly from?: string;
}

/** Takes the path and query of a request to a registry apart (distribution-spec, "Endpoints"). */
export function routeOf(url: string): Route {
  const { pathname, searchParams } = new URL(url, 'http://registry');
  if (/^\/v2\/?$/.test(pathname)) return { kind: 'probe', repository: '', name: '' };
  const [, repository = '', what = '', rest = ''] =
    /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|tags)\/(.*)$/.exec(pathname) ?? [];
  switch (what) {
    case 'blobs/uploads': {
      const from = searchParams.get('from');
      const name = searchParams.get('digest') ?? searchParams.get('mount') ?? '';
      return { kind: 'upload', repository, name, ...(from === null ? {} : { from }) };
    }
    case 'blobs':
      return { kind: 'blob', repository, name: rest };
    case 'manifests':
      return { kind: 'manifest', repository, name: rest };
    case 'tags':
      return { kind: 'tags', repository, name: rest };
    default:
      return { kind: 'other', repository, name: pathname };
  }
}
