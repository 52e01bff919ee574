import { describe, expect, it } from 'vitest';
import { chainID, chainIDs } from '../src/spec/chain-id.ts';
import { sha256Digest } from '../src/spec/digest.ts';
import type { Digest } from '../src/spec/digest.ts';
import { assembleImage } from '../src/image/image.ts';
import { decodeImageConfig, encodeImageConfig } from '../src/spec/image-config.ts';
import { decodeImageIndex, selectManifest } from '../src/spec/image-index.ts';
import { DOCUMENT_SIZE_LIMIT } from '../src/spec/json-document.ts';
import { decodeManifest } from '../src/spec/manifest.ts';
import { MediaType } from '../src/spec/media-type.ts';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
const descriptor = (mediaType: string, more: object = {}) => ({ mediaType, digest: DIGEST, size: 3, ...more });
const manifest = (more: object = {}) => ({
  schemaVersion: 2,
  mediaType: MediaType.ociManifest,
  config: descriptor(MediaType.ociConfig),
  layers: [descriptor(MediaType.ociLayer), descriptor(MediaType.ociLayerGzip)],
  ...more,
});
const index = (more: object = {}) => ({
  schemaVersion: 2,
  mediaType: MediaType.ociIndex,
  manifests: [descriptor(MediaType.ociManifest)],
  ...more,
});

describe('what nobody could write again', () => {
  const config = (extra: string): Uint8Array =>
    new TextEncoder().encode(`{"rootfs":{"type":"layers"},"extra":${extra}}`);

  it('refuses nesting that a walk by recursion could not follow', () => {
    const nested = (depth: number): Uint8Array => config(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    expect(encodeImageConfig(decodeImageConfig(nested(150))).length).toBeGreaterThan(300);
    for (const depth of [200, 100_000]) {
      expect(() => decodeImageConfig(nested(depth))).toThrow(
        /^image config: extra(?:\[0\])+ is nested more than 200 deep$/,
      );
    }
  });

  it('refuses numbers that read as infinity', () => {
    expect(() => decodeImageConfig(config('{"a":[1,1e400]}'))).toThrow(
      /^image config: extra\.a\[1\] is a number out of range$/,
    );
  });
});

describe('decodeManifest()', () => {
  it('reads OCI and Docker manifests', () => {
    expect(decodeManifest(encode(manifest()))).toMatchObject({ layers: [{ size: 3 }, { size: 3 }] });
    expect(decodeManifest(encode(manifest({ mediaType: MediaType.dockerManifest }))).mediaType).toBe(
      MediaType.dockerManifest,
    );
    const { mediaType: _, ...untyped } = manifest();
    expect(decodeManifest(encode(untyped), MediaType.ociManifest).mediaType).toBe(MediaType.ociManifest);
  });

  it.each<[string, unknown, RegExp]>([
    ['both kinds at once', manifest({ manifests: [] }), /^manifest: manifests belongs to an index/],
    ['both kinds at once, null', manifest({ manifests: null }), /^manifest: manifests belongs to an index/],
    [
      'a mediaType of an index',
      manifest({ mediaType: MediaType.ociIndex }),
      /^manifest: mediaType is .*not the type of an image manifest/,
    ],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, /schema version 1/],
    ['no schemaVersion', manifest({ schemaVersion: undefined }), /^manifest: schemaVersion must be 2/],
    ['no config', manifest({ config: undefined }), /^manifest: config must be an object/],
    ['layers that are no array', manifest({ layers: {} }), /^manifest: layers must be an array/],
    [
      'a negative size',
      manifest({ layers: [{}, {}, 0].map(() => descriptor('x', { size: -1 })) }),
      /^manifest: layers\[0\]\.size must be a non-negative integer/,
    ],
    [
      'a size in quotes',
      manifest({ layers: [descriptor('x'), descriptor('x', { size: '3' })] }),
      /^manifest: layers\[1\]\.size must be a non-negative integer/,
    ],
    [
      'a traversal',
      manifest({ config: descriptor('x', { digest: 'sha256:../../x' }) }),
      /^manifest: config\.digest must be a digest/,
    ],
    [
      'an upper-case digest',
      manifest({ config: descriptor('x', { digest: `sha256:${'A'.repeat(64)}` }) }),
      /config\.digest/,
    ],
    ['a key in other case', manifest({ Layers: [] }), /has the key "Layers": must be written "layers"/],
    [
      'annotations that are no strings',
      manifest({ annotations: { a: 1 } }),
      /^manifest: annotations\["a"\] must be a string/,
    ],
    ['an array', [], /^manifest: must be an object/],
    ['null', null, /^manifest: must be an object/],
  ])('refuses %s', (_, document, message) => {
    expect(() => decodeManifest(encode(document))).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('refuses what is not JSON, and what is not UTF-8', () => {
    expect(() => decodeManifest(new TextEncoder().encode('{'))).toThrow(/^manifest: not a JSON document/);
    expect(() => decodeManifest(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(/^manifest: not a JSON document/);
  });

  it('refuses sizes that a double would round', () => {
    const text = JSON.stringify(manifest()).replace('"size":3', '"size":9007199254740993');
    expect(() => decodeManifest(new TextEncoder().encode(text))).toThrow(/config\.size must be a non-negative integer/);
    expect(() => decodeManifest(new TextEncoder().encode(text.replace('9007199254740993', '1e400')))).toThrow(
      /config\.size/,
    );
  });

  it('refuses another type than was announced', () => {
    expect(() => decodeManifest(encode(manifest()), MediaType.dockerManifest)).toThrow(/was announced/);
  });

  it('takes 4 MiB and refuses more than the limit', () => {
    const padding = (size: number) => encode(manifest({ annotations: { x: 'x'.repeat(size) } }));
    expect(decodeManifest(padding(4 * 1024 * 1024)).layers).toHaveLength(2);
    expect(() => decodeManifest(padding(DOCUMENT_SIZE_LIMIT))).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
  });
});

describe('decodeImageIndex()', () => {
  it.each<[string, unknown, RegExp]>([
    ['both kinds at once', index({ layers: [] }), /^image index: layers belongs to a manifest/],
    ['both kinds at once, config', index({ config: {} }), /^image index: config belongs to a manifest/],
    ['a mediaType of a manifest', index({ mediaType: MediaType.ociManifest }), /^image index: mediaType is/],
    ['no manifests', index({ manifests: undefined }), /^image index: manifests must be an array/],
    [
      'a platform without os',
      index({ manifests: [descriptor('x', { platform: {} })] }),
      /^image index: manifests\[0\]\.platform\.os must be a string/,
    ],
    ['very many manifests', index({ manifests: Array.from({ length: 10_001 }, () => 1) }), /the limit is 10000/],
  ])('refuses %s', (_, document, message) => {
    expect(() => decodeImageIndex(encode(document))).toThrow(
      expect.objectContaining({ code: 'INDEX_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('takes null for an empty list, as Go writes it', () => {
    expect(decodeImageIndex(encode(index({ manifests: null }))).manifests).toEqual([]);
  });

  it('selectManifest() takes the best platform and no attestation', () => {
    const entry = (platform: object | undefined, size: number, annotations = {}) =>
      descriptor(MediaType.ociManifest, { size, annotations, ...(platform && { platform }) });
    const decoded = decodeImageIndex(
      encode(
        index({
          manifests: [
            entry({ os: 'linux', architecture: 'amd64' }, 0, { 'vnd.docker.reference.type': 'attestation-manifest' }),
            entry({ os: 'unknown', architecture: 'unknown' }, 1),
            entry({ os: 'linux', architecture: 'arm', variant: 'v5' }, 2),
            entry({ os: 'linux', architecture: 'arm', variant: 'v6' }, 3),
            entry({ os: 'linux', architecture: 'amd64' }, 4),
            entry(undefined, 5),
          ],
        }),
      ),
    );
    const chosen = (architecture: string, variant?: string) =>
      selectManifest(decoded, { os: 'linux', architecture, ...(variant !== undefined && { variant }) })?.size;
    expect([chosen('amd64'), chosen('arm', 'v7'), chosen('arm', 'v5'), chosen('s390x')]).toEqual([4, 3, 2, undefined]);
  });
});

describe('decodeImageConfig()', () => {
  const minimal = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [DIGEST] } };

  it('keeps unknown members at every level', () => {
    const document = {
      ...minimal,
      'moby.buildkit.cache.v0': 'x',
      container: null,
      config: { Cmd: ['a'], Domainname: 'd', Entrypoint: null, Healthcheck: { Test: ['NONE'], Extra: 1 } },
      history: [{ created_by: 'RUN x', mystery: [1] }],
    };
    const decoded = decodeImageConfig(encode(document));
    expect(JSON.parse(new TextDecoder().decode(encodeImageConfig(decoded)))).toEqual({
      ...minimal,
      'moby.buildkit.cache.v0': 'x',
      config: { Cmd: ['a'], Domainname: 'd', Healthcheck: { Test: ['NONE'], Extra: 1 } },
      history: [{ created_by: 'RUN x', mystery: [1] }],
    });
  });

  it('takes what old images leave out', () => {
    expect(
      decodeImageConfig(encode({ config: null, history: null, rootfs: { type: 'layers', diff_ids: null } })),
    ).toEqual({
      architecture: '',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [] },
    });
  });

  it.each<[string, object, RegExp]>([
    ['no rootfs', { rootfs: undefined }, /^image config: rootfs is missing/],
    ['a wrong rootfs type', { rootfs: { type: 'x' } }, /rootfs\.type must be "layers"/],
    ['a wrong diffID', { rootfs: { diff_ids: [DIGEST, 'x'] } }, /rootfs\.diff_ids\[1\] must be a digest/],
    ['Env that is no array', { config: { Env: 'A=1' } }, /config\.Env must be an array/],
    ['Env with a number', { config: { Env: ['A=1', 2] } }, /config\.Env\[1\] must be a string/],
    ['a label that is no string', { config: { Labels: { a: 1 } } }, /config\.Labels\["a"\] must be a string/],
    [
      'an interval that is no number',
      { config: { Healthcheck: { Interval: '3s' } } },
      /config\.Healthcheck\.Interval must be an integer/,
    ],
    ['a flag that is none', { history: [{ empty_layer: 'yes' }] }, /history\[0\]\.empty_layer must be true or false/],
    ['a key in other case', { Rootfs: {} }, /must be written "rootfs"/],
  ])('refuses %s', (_, more, message) => {
    expect(() => decodeImageConfig(encode({ ...minimal, ...more }))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('reads ports and volumes as sets', () => {
    const decoded = decodeImageConfig(
      encode({ ...minimal, config: { ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': null } } }),
    );
    expect(decoded.config).toEqual({ ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} } });
  });
});

describe('chainID()', () => {
  it('is the diffID for one layer, and folds from the lowest up', () => {
    const [a, b, c] = [sha256Digest('a'), sha256Digest('b'), sha256Digest('c')];
    expect(chainID([a])).toBe(a);
    expect(chainID([a, b])).toBe(sha256Digest(`${a} ${b}`));
    expect(chainID([a, b, c])).toBe(sha256Digest(`${sha256Digest(`${a} ${b}`)} ${c}`));
    expect(chainIDs([a, b])).toEqual([a, chainID([a, b])]);
    expect(() => chainID([])).toThrow(RangeError);
  });

  it('agrees with the image-spec on a known pair', () => {
    // The empty layer twice: computed with `printf '%s %s' $id $id | sha256sum`.
    const empty: Digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';
    expect(chainID([empty, empty])).toBe('sha256:170b376f64fb30995c140276be3d71dfb256b308d86183ca3b22aa93a79ad548');
  });
});

describe('assembleImage()', () => {
  it('writes the manifest as Go indents it', () => {
    const layer = { mediaType: MediaType.ociLayer, digest: DIGEST, size: 1024 };
    const config = encode({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [DIGEST] } });
    const image = assembleImage({ config, layers: [layer] });
    expect(new TextDecoder().decode(image.manifest)).toBe(`{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "config": {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "${sha256Digest(config)}",
    "size": ${config.length}
  },
  "layers": [
    {
      "mediaType": "application/vnd.oci.image.layer.v1.tar",
      "digest": "${DIGEST}",
      "size": 1024
    }
  ]
}`);
    expect(image.manifestDescriptor).toEqual({
      mediaType: MediaType.ociManifest,
      digest: sha256Digest(image.manifest),
      size: image.manifest.length,
    });
    expect(image.config).toBe(config);
  });
});

it('a command that is a lone string is a list of it, as Docker reads old configs', () => {
  const text = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: 'sh', Entrypoint: '/run', Shell: ['sh', '-c'] },
    rootfs: { type: 'layers', diff_ids: [] },
  });
  const { config } = decodeImageConfig(Buffer.from(text));
  expect(config).toMatchObject({ Cmd: ['sh'], Entrypoint: ['/run'], Shell: ['sh', '-c'] });
  expect(() => decodeImageConfig(Buffer.from(text.replace('"sh",', '1,')))).toThrow(/config\.Cmd/);
});
