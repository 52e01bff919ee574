import { request } from 'node:http';

/** An answer of a registry. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly digest: string;
  readonly body: Buffer;
}

const ACCEPTED = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  '*/*',
].join(', ');

/** Asks a registry on loopback by plain HTTP: nothing of the client that is tried takes part. */
export async function ask(
  host: string,
  method: string,
  path: string,
  body?: { readonly type: string; readonly bytes: Uint8Array },
): Promise<Answer> {
  const headers = {
    Accept: ACCEPTED,
    ...(body === undefined ? {} : { 'Content-Type': body.type, 'Content-Length': body.bytes.length }),
  };
  return await new Promise((resolve, reject) => {
    const sent = request(`http://${host}/v2/${path}`, { method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode: status = 0, headers: said } = response;
        const digest = String(said['docker-content-digest'] ?? '');
        resolve({ status, type: said['content-type'] ?? '', digest, body: Buffer.concat(parts) });
      });
    });
    sent.once('error', reject);
    sent.end(body?.bytes);
  });
}

/** The tags of a repository; none when there is no such repository. */
export async function tagsOf(host: string, repository: string): Promise<readonly string[]> {
  const { status, body } = await ask(host, 'GET', `${repository}/tags/list`);
  if (status !== 200) return [];
  return (JSON.parse(body.toString()) as { tags: string[] | null }).tags ?? [];
}

/** Stores a manifest under a tag, or by its digest. @throws Error when the registry refuses it */
export async function putManifest(
  host: string,
  repository: string,
  name: string,
  bytes: Uint8Array,
  type = 'application/vnd.oci.image.manifest.v1+json',
): Promise<void> {
  const { status, body } = await ask(host, 'PUT', `${repository}/manifests/${name}`, { type, bytes });
  if (status !== 201) throw new Error(`PUT ${repository}:${name}: ${status} ${body.toString()}`);
}

/** Stores a blob. @throws Error when the registry refuses it */
export async function putBlob(host: string, repository: string, digest: string, bytes: Uint8Array): Promise<void> {
  const location = await new Promise<string>((resolve, reject) => {
    request(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' }, (response) => {
      response.resume();
      resolve(String(response.headers.location));
    })
      .once('error', reject)
      .end();
  });
  const { pathname, search } = new URL(location, `http://${host}`);
  const path = `${pathname.slice('/v2/'.length)}${search}${search === '' ? '?' : '&'}digest=${digest}`;
  const { status, body } = await ask(host, 'PUT', path, { type: 'application/octet-stream', bytes });
  if (status !== 201) throw new Error(`PUT blob ${digest}: ${status} ${body.toString()}`);
}

/** Removes a tag and its manifest. */
export async function removeTag(host: string, repository: string, tag: string): Promise<void> {
  const { digest } = await ask(host, 'HEAD', `${repository}/manifests/${tag}`);
  if (digest !== '') await ask(host, 'DELETE', `${repository}/manifests/${digest}`);
}
