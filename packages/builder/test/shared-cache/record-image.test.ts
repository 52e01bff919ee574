import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { decodeImageConfig, decodeManifest, type Digest, sha256Digest } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import type { RecordToPut, SharedBlob } from '../../src/shared-cache/backend/cache-backend.ts';
import { foreignContent, hasBuildKitInlineCache } from '../../src/shared-cache/backend/foreign-content.ts';
import { inlineAnnotation, unpackHintTexts } from '../../src/shared-cache/backend/hint-texts.ts';
import {
  encodeHintsImage,
  encodeRecordImage,
  hintTextsOf,
  hintTextsOfLayer,
  recordTextOf,
} from '../../src/shared-cache/backend/record-image.ts';
import { keyOfTag, recordTag } from '../../src/shared-cache/backend/record-tag.ts';

const key = (name: string): Digest => sha256Digest(name);
const blob = (name: string): SharedBlob => ({
  blob: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: sha256Digest(name), size: 7 },
  diffID: sha256Digest(`un${name}`),
  open: async function* () {},
});
const record = (name: string, text: string, blobs: readonly SharedBlob[] = []): RecordToPut => ({
  key: key(name),
  text,
  blobs,
});
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
/** Text that no packer makes smaller. */
const noise = (seed: string, length: number): string => {
  let text = '';
  for (let at = 0; text.length < length; at++) text += createHash('sha256').update(`${seed}${at}`).digest('base64');
  return text.slice(0, length);
};

describe('the image of a record', () => {
  it('is an ordinary image with the text in its manifest', () => {
    const { manifest, config, ownLayers } = encodeRecordImage(record('a', '{"x":1}', [blob('l'), blob('m')]));
    expect(recordTextOf(manifest.bytes)).toBe('{"x":1}');
    const { layers, config: described } = decodeManifest(manifest.bytes);
    expect(layers.map(({ digest }) => digest)).toEqual([key('l'), key('m')]);
    expect(described).toEqual(config.descriptor);
    expect(ownLayers).toEqual([]);
    expect(decodeImageConfig(config.bytes).rootfs.diff_ids).toEqual([key('unl'), key('unm')]);
  });

  it('has one empty layer when the record names none', () => {
    const { manifest, config, ownLayers } = encodeRecordImage(record('a', 'text'));
    expect(ownLayers.map(({ descriptor, bytes: content }) => [descriptor.digest, sha256Digest(content)])).toEqual([
      [
        'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4',
        'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4',
      ],
    ]);
    expect(decodeManifest(manifest.bytes).layers).toHaveLength(1);
    expect(decodeImageConfig(config.bytes).rootfs.diff_ids).toEqual([sha256Digest(new Uint8Array(1024))]);
  });

  it('is not read out of what is something else', () => {
    expect(recordTextOf(bytes({ schemaVersion: 2 }))).toBeUndefined();
    expect(recordTextOf(Buffer.from('no json'))).toBeUndefined();
    expect(recordTextOf(encodeHintsImage([record('a', 'text')]).manifest.bytes)).toBeUndefined();
  });

  it('is named by its key', () => {
    expect(recordTag(key('a'))).toMatch(/^k1-[0-9a-f]{64}$/);
    expect(keyOfTag(recordTag(key('a')))).toBe(key('a'));
    expect(['latest', 'k1-', 'k1-zz', 'k2-'].map(keyOfTag)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('the image of hints', () => {
  it('has the texts in its manifest and every blob once', () => {
    const { manifest } = encodeHintsImage([record('a', 'A', [blob('l')]), record('b', 'B', [blob('l'), blob('m')])]);
    expect(hintTextsOf(manifest.bytes)).toEqual(['A', 'B']);
    expect(decodeManifest(manifest.bytes).layers.map(({ digest }) => digest)).toEqual([key('l'), key('m')]);
  });

  it('keeps the 200 latest, one of each key', () => {
    const many = Array.from({ length: 300 }, (_, index) => record(`${index}`, `text ${index}`));
    const texts = hintTextsOf(encodeHintsImage([record('0', 'newest'), ...many]).manifest.bytes);
    expect(texts).toHaveLength(200);
    expect(texts).toMatchObject({ 0: 'newest', 1: 'text 1', 199: 'text 199' });
  });

  it('puts large ones into a layer of their own', () => {
    const texts = Array.from({ length: 100 }, (_, index) => noise(`${index}`, 8 * 1024));
    const { manifest, config, ownLayers } = encodeHintsImage(
      texts.map((text, index) => record(`${index}`, text, [blob('l')])),
    );
    const [layer] = ownLayers;
    expect(manifest.bytes.length).toBeLessThan(8 * 1024);
    expect(hintTextsOf(manifest.bytes)).toEqual({ layer: layer?.descriptor });
    expect(hintTextsOfLayer(layer?.bytes ?? new Uint8Array())).toEqual(texts);
    expect(decodeImageConfig(config.bytes).rootfs.diff_ids).toHaveLength(2);
  });

  it('reads no bombs, and nothing that is no list', () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '));
    const image = (packed: Uint8Array) =>
      bytes({
        schemaVersion: 2,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: key('c'), size: 1 },
        layers: [],
        annotations: { 'dev.tsbuild.hints.v1': Buffer.from(packed).toString('base64') },
      });
    expect(hintTextsOf(image(bomb))).toBeUndefined();
    expect(hintTextsOfLayer(bomb)).toBeUndefined();
    expect(hintTextsOf(image(gzipSync('{}')))).toBeUndefined();
    expect(hintTextsOf(image(Buffer.from('junk')))).toBeUndefined();
    expect(hintTextsOf(image(gzipSync(JSON.stringify(['good', 1, 'x'.repeat(65 * 1024)]))))).toEqual(['good']);
  });

  it('fits into an annotation, however much there is', () => {
    const records = Array.from({ length: 100 }, (_, index) => record(`${index}`, noise(`${index}`, 8 * 1024)));
    const [name, value] = inlineAnnotation(records);
    expect(name).toBe('dev.tsbuild.hints.v1');
    expect(value.length).toBeLessThanOrEqual(256 * 1024);
    const texts = unpackHintTexts(Buffer.from(value, 'base64')) ?? [];
    expect(texts.length).toBeGreaterThan(20);
    expect(texts).toEqual(records.slice(0, texts.length).map(({ text }) => text));
  });
});

describe("what is somebody else's", () => {
  const descriptor = (mediaType: string) => ({ mediaType, digest: key('c'), size: 1 });
  const manifest = (type: string) => bytes({ schemaVersion: 2, config: descriptor(type), layers: [] });

  it.each([
    ["BuildKit's cache", manifest('application/vnd.buildkit.cacheconfig.v0')],
    [
      "BuildKit's cache",
      bytes({ schemaVersion: 2, manifests: [descriptor('application/vnd.buildkit.cacheconfig.v0')] }),
    ],
    ['an image', manifest('application/vnd.oci.image.config.v1+json')],
    ['an image', manifest('application/vnd.docker.container.image.v1+json')],
    ['an artifact of type application/vnd.x', manifest('application/vnd.x')],
    [
      'an image for several platforms',
      bytes({ schemaVersion: 2, manifests: [descriptor('application/vnd.oci.image.manifest.v1+json')] }),
    ],
    ['something that is no image', Buffer.from('junk')],
  ])('is %s', (what, document) => {
    expect(foreignContent(document)).toBe(what);
  });

  it("is BuildKit's inline cache", () => {
    expect(hasBuildKitInlineCache(bytes({ 'moby.buildkit.cache.v0': 'x' }))).toBe(true);
    expect([bytes({}), bytes(null), Buffer.from('x')].map(hasBuildKitInlineCache)).toEqual([false, false, false]);
  });
});
