import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { MediaType } from '../../packages/oci/src/spec/media-type.ts';
import { makeTar } from '../../packages/oci/testing/make-tar.ts';
import type { RawMember } from '../../packages/oci/testing/make-tar.ts';
import { PLAIN_TAR } from './tars.ts';

interface Blob {
  readonly name: string;
  readonly digest: string;
  readonly content: Uint8Array;
}

const LAYER = PLAIN_TAR;
const UPPER = makeTar([{ name: 'etc/motd', content: 'hello\n' }, { name: 'bin/.wh.app' }]);
const DIFF_IDS = [LAYER, UPPER].map(digestOf);
const CONFIG = blob(
  json({
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['app'] },
    rootfs: { type: 'layers', diff_ids: DIFF_IDS },
    history: [{ created_by: 'a' }, { created_by: 'b', empty_layer: true }, { created_by: 'c' }],
  }),
);

function digestOf(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function blob(content: Uint8Array): Blob {
  const digest = digestOf(content);
  return { digest, content, name: `blobs/sha256/${digest.slice('sha256:'.length)}` };
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

const pointer = (mediaType: string, { digest, content }: Blob, more: object = {}): object => ({
  mediaType,
  digest,
  size: content.length,
  ...more,
});

function dockerArchive(): readonly RawMember[] {
  const manifest = [{ Config: 'config.json', RepoTags: ['my-app:latest'], Layers: ['one/layer.tar', 'two/layer.tar'] }];
  return [
    { name: 'one/', type: '5', mode: 0o755 },
    { name: 'one/layer.tar', content: LAYER },
    { name: 'two/layer.tar', content: UPPER },
    { name: 'three/layer.tar', type: '2', linkName: '../one/layer.tar' },
    { name: 'config.json', content: CONFIG.content },
    { name: 'manifest.json', content: json(manifest) },
    { name: 'repositories', content: json({ 'my-app': { latest: 'x' } }) },
  ];
}

function ociBlobs(): { readonly blobs: readonly Blob[]; readonly manifest: Blob; readonly layers: readonly Blob[] } {
  const layers = [blob(gzipSync(LAYER)), blob(UPPER)];
  const [lower = CONFIG, upper = CONFIG] = layers;
  const manifest = blob(
    json({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: pointer(MediaType.ociConfig, CONFIG),
      layers: [pointer(MediaType.ociLayerGzip, lower), pointer(MediaType.ociLayer, upper)],
    }),
  );
  return { blobs: [...layers, CONFIG, manifest], manifest, layers };
}

function indexOf(manifests: readonly object[]): Uint8Array {
  return json({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
}

function ociArchive(
  entry: (manifest: Blob) => { readonly entries: readonly object[]; readonly more?: readonly Blob[] },
) {
  const { blobs, manifest } = ociBlobs();
  const { entries, more = [] } = entry(manifest);
  return [
    { name: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    ...[...blobs, ...more].map(({ name, content }) => ({ name, content })),
    { name: 'index.json', content: indexOf(entries) },
  ];
}

/** An index within an index within …, each many times over: few bytes, and billions of ways through them. */
function indexBomb(manifest: Blob): { readonly entries: readonly object[]; readonly more: readonly Blob[] } {
  const more: Blob[] = [];
  let entry = pointer(MediaType.ociManifest, manifest);
  for (let depth = 0; depth < 3; depth++) {
    const index = blob(indexOf(Array.from({ length: 200 }, () => entry)));
    more.push(index);
    entry = pointer(MediaType.ociIndex, index);
  }
  return { entries: [entry], more };
}

const named = {
  annotations: {
    'org.opencontainers.image.ref.name': 'my-app:1',
    'io.containerd.image.name': 'docker.io/library/my-app:1',
  },
};

/** Archives as docker, skopeo and buildkit write them, whole and broken. */
export function archiveSeeds(): readonly Uint8Array[] {
  const oci = ociArchive((manifest) => ({ entries: [pointer(MediaType.ociManifest, manifest, named)] }));
  const platforms = ociArchive((manifest) => {
    const platform = { os: 'linux', architecture: 'amd64' };
    const inner = blob(indexOf([pointer(MediaType.ociManifest, manifest, { platform })]));
    return { entries: [pointer(MediaType.ociIndex, inner, named)], more: [inner] };
  });
  const both = [...oci, ...dockerArchive()];
  const missing = oci.filter(({ name }) => name !== CONFIG.name);
  const bomb = ociArchive(indexBomb);
  const archives = [dockerArchive(), oci, platforms, both, missing, bomb].map((members) => makeTar(members));
  return [...archives, ...archives.slice(0, 1).map((archive) => gzipSync(archive))];
}
