import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { Layout } from '@tsbuild/oci/node';

/** Serves one image of a store as a registry on loopback (distribution-spec, pull). */
export async function serveStore(
  store: string,
  name: string,
): Promise<{ readonly address: string; close(): Promise<void> }> {
  const layout = await Layout.open(store);
  const { manifest } = await layout.resolve(name);
  const server = createServer((request, response) => {
    const digest = /\/(?:blobs|manifests)\/(sha256:[0-9a-f]{64})$/.exec(request.url ?? '')?.[1] as
      | `sha256:${string}`
      | undefined;
    const wanted = (request.url ?? '').endsWith('/manifests/latest') ? manifest.digest : digest;
    if (wanted === undefined) return void response.writeHead(request.url === '/v2/' ? 200 : 404).end();
    const isManifest = wanted === manifest.digest;
    response.writeHead(200, {
      'content-type': isManifest ? manifest.mediaType : 'application/octet-stream',
      'docker-content-digest': wanted,
    });
    if (request.method === 'HEAD') response.end();
    else
      createReadStream(layout.blobs.path(wanted))
        .on('error', () => response.destroy())
        .pipe(response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { address: `localhost:${port}`, close };
}
