import http from 'node:http';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  encodeImageConfig,
  formatPlatform,
  isAttestation,
  MediaType,
  parsePlatform,
  parseReference,
  sha256Digest,
} from '@tsbuild/oci';
import { chosenImage, hostPlatform, indexFromArchive, indexFromLayout, type StoredImage } from '@tsbuild/oci/node';
import { makeTar } from '../../../oci/testing/make-tar.ts';
import { openExporter } from '../../src/export/open-exporter.ts';
import type { ExportTarget } from '../../src/export/exporter.ts';
import { Store } from '../../src/store/store.ts';

const NAME = 'docker.io/library/app:1';
const FOREIGN = parsePlatform('linux/s390x');
const scratch = () => mkdtemp(join(tmpdir(), 'tsbuild-export-index-'));

/** A store with an index of two images, a third one that is not there. */
async function storeWithIndex(): Promise<{ readonly store: Store; readonly image: StoredImage }> {
  const store = await Store.open(await scratch());
  const members = [];
  for (const platform of [FOREIGN, hostPlatform()]) {
    const content = formatPlatform(platform);
    const bytes = makeTar([{ name: 'platform', content, mode: 0o644 }]);
    const layer = { mediaType: MediaType.ociLayer, ...(await store.layout.blobs.put(bytes)) };
    const rootfs = { type: 'layers' as const, diff_ids: [layer.digest] };
    const config = encodeImageConfig({ ...platform, config: {}, rootfs });
    const { manifest } = await store.layout.addUnlisted({ config, layers: [layer] });
    members.push({ manifest });
  }
  const absent = { mediaType: MediaType.ociManifest, digest: sha256Digest('absent'), size: 6 };
  const platform = parsePlatform('linux/ppc64le');
  const content = { isForeign: true, members: [...members, { manifest: absent, platform }] };
  const image = chosenImage(await store.layout.addIndex(content, [parseReference(NAME)]));
  if (image === undefined) throw new Error('an image');
  return { store, image };
}

async function send(target: ExportTarget, { store, image }: Awaited<ReturnType<typeof storeWithIndex>>) {
  const notices: string[] = [];
  const reporter = {
    report: (event: { type: string; message?: string }) => {
      if (event.type === 'notice') notices.push(event.message ?? '');
    },
  };
  const { signal } = new AbortController();
  await (await openExporter(target)).export({ image, names: [NAME] }, { store, reporter, signal });
  return notices;
}

describe('an index goes out with all its images', () => {
  it('to an archive and to a layout, new and there already', async () => {
    const stored = await storeWithIndex();
    const archive = join(await scratch(), 'app.tar');
    await send({ kind: 'archive', to: archive }, stored);
    const directory = join(await scratch(), 'layout');
    await send({ kind: 'layout', directory }, stored);
    await send({ kind: 'layout', directory }, stored);
    for (const index of [await indexFromArchive(archive), await indexFromLayout(directory)]) {
      expect(index.descriptor.digest).toBe(stored.image.index?.descriptor.digest);
      for (const entry of index.index.manifests.filter((each) => !isAttestation(each)).slice(0, 2)) {
        expect((await index.content.document(entry)).length).toBe(entry.size);
      }
    }
  });

  it.each([
    ["containerd's store", [['driver-type', 'io.containerd.snapshotter.v1']], 2],
    ['the classic store', [['Backing Filesystem', 'extfs']], 1],
  ])('to an engine with %s, as far as it takes them', async (_, DriverStatus, images) => {
    const stored = await storeWithIndex();
    const { image } = stored;
    const loaded: Buffer[] = [];
    const socket = join(await scratch(), 'engine.sock');
    const id = images === 2 ? image.index?.descriptor.digest : image.id;
    const server = http.createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (request.method === 'POST') loaded.push(Buffer.concat(chunks));
      const isInfo = request.url === '/info';
      const found = { Id: id, RootFS: { Layers: image.config.rootfs.diff_ids } };
      const known = loaded.length > 0 && request.url?.includes('app') === true;
      const body = isInfo ? { DriverStatus } : request.method === 'POST' ? {} : found;
      response.writeHead(isInfo || known || request.method === 'POST' ? 200 : 404).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => void server.close());
    const environment = { DOCKER_HOST: `unix://${socket}`, PATH: '/nowhere' };
    const notices = await send({ kind: 'engine', environment }, stored);
    expect(loaded).toHaveLength(1);
    const text = loaded[0]?.toString('latin1') ?? '';
    expect(text.includes(formatPlatform(FOREIGN))).toBe(images === 2);
    expect(text.includes('"manifests":[{"mediaType":"application/vnd.oci.image.index')).toBe(images === 2);
    expect(notices).toHaveLength(images === 2 ? 0 : 1);
    const told = `loaded ${formatPlatform(hostPlatform())} only`;
    expect(notices.join().includes(told)).toBe(images === 1);
  });
});
