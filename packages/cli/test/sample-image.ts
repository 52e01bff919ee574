import { Layout, LayerWriter, MediaType, type StoredImage, encodeImageConfig, parseReference } from '@tsbuild/oci/node';

/** Puts a small image into the store at `root`: one layer (one file of `blocks` × 512 bytes) and three steps. */
export async function addSampleImage(
  root: string,
  names: readonly string[],
  options: { readonly created?: string; readonly blocks?: number; readonly labels?: Record<string, string> } = {},
): Promise<StoredImage> {
  const layout = await Layout.open(root, { create: true });
  const writer = new LayerWriter(await layout.blobs.create());
  const size = 512 * (options.blocks ?? 4);
  const plain = {
    path: 'file',
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
  } as const;
  let left = size;
  await writer.addFile({ ...plain, size }, (buffer) => {
    const count = Math.min(left, buffer.length);
    left -= count;
    buffer.fill(0, 0, count);
    return count;
  });
  const layer = await writer.finish();
  const created = options.created ?? '2026-01-01T10:00:00.5Z';
  const config = encodeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    created,
    author: 'someone',
    config: {
      User: 'node',
      Env: ['PATH=/usr/bin', 'A=1'],
      Cmd: ['node', 'server.js'],
      ExposedPorts: { '80/tcp': {}, '443/tcp': {} },
      WorkingDir: '/app',
      Labels: { b: '2', a: '1', ...options.labels },
    },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    history: [
      {
        created,
        created_by: 'COPY a-file-with-a-long-name another-file /app/ # buildkit',
        comment: 'buildkit.dockerfile.v0',
      },
      { created, created_by: 'RUN /bin/sh -c <<EOF\n\techo hi\nEOF # buildkit', empty_layer: true },
      { created, created_by: 'CMD ["node" "server.js"]', comment: 'buildkit.dockerfile.v0', empty_layer: true },
    ],
  });
  return layout.add(
    { config, layers: [{ mediaType: MediaType.ociLayer, digest: layer.digest, size: layer.size }] },
    names.map((name) => parseReference(name)),
  );
}
