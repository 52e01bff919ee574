import { MediaType } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { describeBytes } from '../../packages/oci/test/registry/content.ts';
import type { HostileCase } from './case.ts';
import { answer, endless, registryCase } from './evil-registry.ts';
import type { Handler, Script, Wares } from './evil-registry.ts';

const redirect =
  (to: string, status = 307): Handler =>
  (_, response) =>
    response.writeHead(status, { Location: to }).end();
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const good = ({ manifest }: Wares): Record<string, unknown> =>
  JSON.parse(manifest.toString()) as Record<string, unknown>;
const flipped = (bytes: Buffer, at: number): Buffer =>
  Buffer.from(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)));
const cut =
  (bytes: Buffer, at: number): Handler =>
  (_, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.write(bytes.subarray(0, at), () => response.destroy());
  };
const withLayer = (wares: Wares, change: object): Script => ({
  manifest: json({ ...good(wares), layers: [{ ...describeBytes(wares.layer), ...change }] }),
});
const index = (manifests: readonly object[]): Script => ({
  type: MediaType.ociIndex,
  manifest: json({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }),
});

const CREDENTIALS: readonly HostileCase[] = [
  registryCase(
    'B1',
    'CVE-2020-15157: a layer is redirected to a thief',
    ({ thief }) => ({ challenge: 'Basic realm="x"', layer: redirect(`http://${thief}/x`) }),
    /denied|authoriz|401|credential/i,
  ),
  registryCase(
    'B1',
    'CVE-2020-15157: a manifest is redirected to a thief',
    ({ thief }) => ({ challenge: 'Basic realm="x"', manifest: redirect(`http://${thief}/x`) }),
    /denied|authoriz|401|credential/i,
  ),
  registryCase('B1', 'CVE-2020-15157: a layer with urls of a thief', (wares) =>
    withLayer(wares, {
      urls: [`http://${wares.thief}/x`],
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    }),
  ),
  registryCase(
    'B2',
    'the token server is the metadata service of a cloud',
    () => ({ challenge: 'Bearer realm="http://169.254.169.254/latest/meta-data",service="s"' }),
    /169\.254/,
  ),
  registryCase(
    'B2',
    'the token server is a file',
    () => ({ challenge: 'Bearer realm="file:///etc/passwd"' }),
    /realm|file:/,
  ),
  registryCase('B11', 'a redirect to a file', () => ({ layer: redirect('file:///etc/passwd') }), /redirect|file:/),
  registryCase(
    'B11',
    'a redirect to itself, for ever',
    ({ host }) => ({ layer: redirect(`http://${host}/again`), other: redirect(`http://${host}/again`) }),
    /redirect/,
  ),
];

const DOCUMENTS: readonly HostileCase[] = [
  registryCase(
    'B3',
    'CVE-2021-41190: a manifest with manifests',
    (wares) => ({ manifest: json({ ...good(wares), manifests: [] }) }),
    /belongs to an index/,
  ),
  registryCase(
    'B3',
    'CVE-2021-41190: an index with a config',
    (wares) => ({
      type: MediaType.ociIndex,
      manifest: json({
        schemaVersion: 2,
        mediaType: MediaType.ociIndex,
        manifests: [],
        config: describeBytes(wares.config),
      }),
    }),
    /belongs to a manifest/,
  ),
  registryCase(
    'B3',
    'CVE-2021-41190: another mediaType than the Content-Type',
    () => ({ type: MediaType.dockerManifest }),
    /mediaType|media type|Content-Type/,
  ),
  registryCase(
    'B3',
    'CVE-2021-41190: schema version 1',
    () => ({ manifest: json({ schemaVersion: 1, fsLayers: [], history: [] }) }),
    /schema/i,
  ),
  registryCase(
    'B3',
    'a key twice, in another case',
    (wares) => ({ manifest: json({ ...good(wares), Layers: [] }) }),
    /Layers/,
  ),
  registryCase('B3', 'no JSON', () => ({ manifest: Buffer.from('<html>') }), /JSON/),
  registryCase(
    'B5',
    'CVE-2024-3727: a digest that is a path',
    (wares) => withLayer(wares, { digest: 'sha256:../../../../etc/passwd' }),
    /must be a digest/,
  ),
  registryCase(
    'B5',
    'CVE-2024-3727: a digest of an unknown kind',
    (wares) => withLayer(wares, { digest: `md5:${'0'.repeat(32)}` }),
    /must be a digest|algorithm/,
  ),
  registryCase(
    'B5',
    'CVE-2024-3727: a digest in capitals',
    (wares) => withLayer(wares, { digest: `sha256:${'A'.repeat(64)}` }),
    /must be a digest/,
  ),
  registryCase(
    'B6',
    'CVE-2023-25153: a manifest without end',
    () => ({ manifest: endless({ 'Content-Type': MediaType.ociManifest }) }),
    /more than|limit|too (?:large|long)/,
  ),
  registryCase(
    'B6',
    'CVE-2023-25153: a config without end',
    () => ({ config: endless() }),
    /config|more than|limit|digest|size|corrupt/,
  ),
  registryCase(
    'B6',
    'a config that says it has 2^53 bytes',
    (wares) => ({
      manifest: json({
        ...good(wares),
        config: { ...describeBytes(wares.config, MediaType.ociConfig), size: Number.MAX_SAFE_INTEGER },
      }),
    }),
    /config|size|limit/,
  ),
  registryCase(
    'B7',
    'a config of more layers than the manifest',
    (wares) => ({ manifest: json({ ...good(wares), layers: [] }) }),
    /layers|diff/,
  ),
  registryCase(
    'B7',
    'an index of 100,000 manifests',
    ({ manifest }) =>
      index(
        Array.from({ length: 100_000 }, (_, i) => ({
          ...describeBytes(manifest, MediaType.ociManifest),
          platform: { os: 'linux', architecture: `a${i}` },
        })),
      ),
    /limit|more than|platform/,
  ),
  registryCase(
    'B7',
    'indexes in indexes, nine deep',
    (wares) => ({ ...index([]), manifest: nested(wares.manifest) }),
    /index/i,
  ),
  registryCase(
    'B16',
    'an index without this platform',
    ({ manifest }) =>
      index([{ ...describeBytes(manifest, MediaType.ociManifest), platform: { os: 'plan9', architecture: 'mips' } }]),
    /plan9\/mips/,
  ),
];

/** Each index holds only the next one; the image is in the last. */
function nested(manifest: Buffer): Handler {
  const platform = { os: 'linux', architecture: hostPlatform().architecture };
  const documents = [manifest];
  for (let depth = 0; depth < 9; depth++) {
    const inner = documents.at(-1) ?? manifest;
    const mediaType = depth === 0 ? MediaType.ociManifest : MediaType.ociIndex;
    documents.push(
      json({
        schemaVersion: 2,
        mediaType: MediaType.ociIndex,
        manifests: [{ ...describeBytes(inner, mediaType), platform }],
      }),
    );
  }
  return (request, response) => {
    const body =
      documents.find((bytes) => request.url?.endsWith(describeBytes(bytes).digest)) ?? documents.at(-1) ?? manifest;
    const type = body === manifest ? MediaType.ociManifest : MediaType.ociIndex;
    answer(body, { 'Content-Type': type })(request, response);
  };
}

const BLOBS: readonly HostileCase[] = [
  ...(['first', 'middle', 'last'] as const).map((which) =>
    registryCase(
      'B4',
      `a layer with its ${which} byte changed`,
      ({ layer }) => ({
        layer: flipped(layer, { first: 0, middle: layer.length >> 1, last: layer.length - 1 }[which]),
      }),
      /digest|corrupt/,
    ),
  ),
  registryCase(
    'B4',
    'a layer with one byte more',
    ({ layer }) => ({ layer: Buffer.concat([layer, Buffer.from('x')]) }),
    /size|bytes|digest/,
  ),
  registryCase(
    'B4',
    'a layer with one byte less',
    ({ layer }) => ({ layer: layer.subarray(0, -1) }),
    /size|bytes|digest|ended/,
  ),
  registryCase('B4', 'another config', ({ config }) => ({ config: flipped(config, 5) }), /digest|corrupt/),
  registryCase(
    'B4',
    'a Content-Length that is too short',
    ({ layer }) => ({
      layer: (_, response) => response.writeHead(200, { 'Content-Length': 10 }).end(layer.subarray(0, 10)),
    }),
    /size|bytes|ended|interrupted|Content-Length/i,
  ),
  registryCase(
    'B9',
    'a layer whose connection breaks, every time',
    ({ layer }) => ({ layer: cut(layer, layer.length >> 1) }),
    /interrupted|ended|connection|bytes|broke/i,
  ),
  registryCase(
    'B9',
    'a part (206) of somewhere else',
    ({ layer }) => ({
      layer: (request, response) =>
        request.headers.range === undefined
          ? cut(layer, 20)(request, response)
          : response
              .writeHead(206, { 'Content-Range': `bytes 0-9/${layer.length}`, 'Content-Length': 10 })
              .end(layer.subarray(0, 10)),
    }),
    /range|digest|interrupted|cut off/i,
  ),
  registryCase('B9', 'the whole (200) when the rest was asked for', ({ layer }) => ({
    layer: (request, response) =>
      request.headers.range === undefined ? cut(layer, 20)(request, response) : answer(layer)(request, response),
  })),
  registryCase(
    'B13',
    'a layer that is a damaged gzip, with the right digest',
    (wares) => damaged(wares),
    /gzip|compress|damaged|corrupt|data/i,
  ),
  registryCase(
    'A19',
    'a layer that says it has 10 bytes, and never ends',
    (wares) => ({ ...withLayer(wares, { size: 10 }), layer: endless() }),
    /bytes|size|digest/,
  ),
];

function damaged(wares: Wares): Script {
  const bytes = flipped(wares.layer, wares.layer.length - 6);
  const blob = describeBytes(bytes);
  return {
    manifest: json({ ...good(wares), layers: [blob] }),
    other: (request, response) =>
      request.url?.endsWith(blob.digest) === true ? answer(bytes)(request, response) : response.writeHead(404).end(),
  };
}

const WORDS: readonly HostileCase[] = [
  registryCase(
    'B6',
    'an error document without end',
    () => ({
      manifest: (request, response) => {
        response.statusCode = 403;
        endless403(request, response);
      },
    }),
    /denied|forbidden|403/i,
  ),
  registryCase(
    'R13',
    'escape codes in an error of the registry',
    () => ({
      manifest: (_, response) =>
        response.writeHead(403).end(json({ errors: [{ code: 'DENIED', message: '\u001b]0;title\u0007\u001b[2J' }] })),
    }),
    /^[^\u0000-\u001f\u007f-\u009f]*$/,
  ),
];

const endless403: Handler = (_, response) => {
  const unit = Buffer.alloc(65_536, 'x');
  const more = (): void => {
    while (!response.destroyed && response.write(unit));
  };
  response.on('drain', more);
  more();
};

/** Registries that lie, leak or never end. */
export const REGISTRY_CASES: readonly HostileCase[] = [...CREDENTIALS, ...DOCUMENTS, ...BLOBS, ...WORDS];
