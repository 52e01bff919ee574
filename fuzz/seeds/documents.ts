import { MediaType } from '../../packages/oci/src/spec/media-type.ts';

const SHA = (digit: string): string => `sha256:${digit.repeat(64)}`;

const descriptor = (mediaType: string, digit: string, more: object = {}): object => ({
  mediaType,
  digest: SHA(digit),
  size: 123,
  ...more,
});

const manifest = {
  schemaVersion: 2,
  mediaType: MediaType.ociManifest,
  config: descriptor(MediaType.ociConfig, 'a'),
  layers: [
    descriptor(MediaType.ociLayerGzip, 'b'),
    descriptor(MediaType.ociLayer, 'c', { urls: ['https://example.com/'] }),
  ],
  annotations: { 'org.opencontainers.image.created': '2024-01-01T00:00:00Z' },
  subject: descriptor(MediaType.ociManifest, 'd'),
  artifactType: 'application/x-thing',
};

const index = {
  schemaVersion: 2,
  mediaType: MediaType.ociIndex,
  manifests: [
    descriptor(MediaType.ociManifest, '1', { platform: { os: 'linux', architecture: 'amd64' } }),
    descriptor(MediaType.ociManifest, '2', { platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }),
    descriptor(MediaType.ociManifest, '3', { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } }),
    descriptor(MediaType.ociIndex, '4', { annotations: { 'io.containerd.image.name': 'docker.io/library/a:b' } }),
  ],
};

const config = {
  created: '2024-01-02T03:04:05.678Z',
  author: 'somebody',
  architecture: 'arm64',
  os: 'linux',
  variant: 'v8',
  'os.features': ['x'],
  config: {
    User: 'app:app',
    Env: ['PATH=/bin', 'A='],
    Cmd: ['sh', '-c', 'echo <&> "é"'],
    Entrypoint: ['/init'],
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/data': {} },
    WorkingDir: '/srv',
    Labels: { a: 'b', 9: 'nine', 10: 'ten' },
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['CMD', 'true'], Interval: 30_000_000_000, Retries: 3 },
    OnBuild: ['RUN echo'],
    Shell: ['/bin/sh', '-c'],
    ArgsEscaped: true,
  },
  rootfs: { type: 'layers', diff_ids: [SHA('b'), SHA('c')] },
  history: [{ created_by: 'COPY', comment: 'x' }, { created_by: 'ENV', empty_layer: true }, { created_by: 'RUN' }],
  unknown: { deep: [1, 2.5, null, { x: 'y' }] },
};

const dockerConfig = {
  auths: {
    'https://index.docker.io/v1/': { auth: Buffer.from('me:hunter2').toString('base64') },
    'example.com': { identitytoken: 'hunter2' },
    'example.com/team': { username: 'a', password: 'hunter2' },
    'localhost:5000': {},
  },
  credHelpers: { 'helped.example.com': 'pass', 'gcr.io': '' },
  credsStore: '',
  HttpHeaders: { 'User-Agent': 'x' },
};

const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** As {@link manifestSeeds}, but of other documents. */
export const indexSeeds = (): readonly Uint8Array[] => [
  text(index),
  text({ ...index, mediaType: MediaType.dockerManifestList }),
  text({ schemaVersion: 2, manifests: null }),
];

/** Manifests; good ones, of Docker, and such that could be read as something else. */
export const manifestSeeds = (): readonly Uint8Array[] => [
  text(manifest),
  text({ ...manifest, mediaType: MediaType.dockerManifest }),
  text({ ...manifest, manifests: [] }),
  text({ ...manifest, Layers: [] }),
  text({ schemaVersion: 1, fsLayers: [] }),
  Buffer.from('{"schemaVersion":2,"schemaVersion":1,"config":{},"layers":[]}'),
  Buffer.from(`${'['.repeat(30_000)}${']'.repeat(30_000)}`),
];

/** Image configs. */
export const configSeeds = (): readonly Uint8Array[] => [
  text(config),
  text({ rootfs: { diff_ids: null } }),
  text({ ...config, config: null, history: null }),
  Buffer.from(
    `{"rootfs":{"type":"layers"},"__proto__":{"polluted":true},"x":${'{"a":'.repeat(900)}1${'}'.repeat(900)}}`,
  ),
  Buffer.from(`{"rootfs":{"type":"layers"},"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
];

/** Docker's client configuration. */
export const dockerConfigSeeds = (): readonly Uint8Array[] => [
  text(dockerConfig),
  text({ credsStore: 'desktop' }),
  text({ auths: { 'example.com': { auth: 'bm9jb2xvbg==' } } }),
  new Uint8Array(),
];

/** Member names of all of these. */
export const DOCUMENT_NAMES: readonly string[] = [
  [manifest, index, config, config.config, dockerConfig, dockerConfig.auths].flatMap(Object.keys),
  ['digest', 'size', 'urls', 'platform', 'diff_ids', 'type', 'empty_layer', 'created_by', 'fsLayers', 'auth'],
  ['identitytoken', '__proto__', 'constructor', 'toString', '', 'Layers', 'layerS'],
].flat();
