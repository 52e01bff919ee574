import {
  assembleImage,
  decodeManifest,
  type Descriptor,
  type Digest,
  encodeTarHeader,
  END_OF_ARCHIVE,
  type Manifest,
  MediaType,
  sha256Digest,
} from '@tsbuild/oci';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { RecordToPut, SharedBlob } from './cache-backend.ts';
import {
  hintedRecords,
  HINTS_ANNOTATION,
  HINTS_ANNOTATION_LIMIT,
  hintTextsIn,
  PACKED_HINTS_LIMIT,
  packHintTexts,
  unpackHintTexts,
} from './hint-texts.ts';

/** The annotation of a manifest that holds a record. */
const RECORD_ANNOTATION = 'dev.tsbuild.record.v1';

/** In place of {@link HINTS_ANNOTATION}: the digest of the layer that holds the hints in a file. */
const HINTS_LAYER_ANNOTATION = 'dev.tsbuild.hints.v1.layer';

/** The digest of the layer that holds the indexes of other layers. */
const PACK_ANNOTATION = 'dev.tsbuild.pack.v1';

/** Bytes of an unpacked layer of hints. */
const HINTS_LAYER_LIMIT = 16 * 1024 * 1024;

/** An empty tar, packed: the layer that Docker's own builds have for steps without files, so that registries know it. */
const EMPTY_LAYER = Buffer.from('1f8b080000096e8800ff621805a360148c5800080000ffff2eafb5ef00040000', 'hex');
const EMPTY_LAYER_DIFF_ID: Digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** A small blob at hand. */
interface CarriedDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** An image in whose manifest records travel: nothing in it tells registries that it is not one like any other. */
export interface CarrierImage {
  readonly manifest: CarriedDocument;
  readonly config: CarriedDocument;
  /** Layers that no record names. They must be stored as the config must. */
  readonly ownLayers: readonly CarriedDocument[];
}

/**
 * The image of a record: its layers are the record's blobs, so that whoever collects garbage keeps them; its manifest holds
 * the text, so that one request answers. The same record gives the same bytes.
 */
export function encodeRecordImage(record: RecordToPut): CarrierImage {
  return carrier(record.blobs, [], { [RECORD_ANNOTATION]: record.text });
}

/** The text of a record in a manifest of anybody's; undefined when it holds none. */
export function recordTextOf(manifest: Uint8Array): string | undefined {
  return decoded(manifest)?.annotations?.[RECORD_ANNOTATION];
}

/**
 * The image of hints: the texts of the records, most recently used first, in an annotation or, where they are large, in
 * a file of one more layer; and as layers all blobs that they name.
 */
export function encodeHintsImage(records: readonly RecordToPut[], pack?: SharedBlob): CarrierImage {
  const hinted = hintedRecords(records);
  const named = [...hinted.flatMap((record) => record.blobs), ...(pack === undefined ? [] : [pack])];
  const blobs = new Map(named.map((blob) => [blob.blob.digest, blob]));
  const packed = pack === undefined ? {} : { [PACK_ANNOTATION]: pack.blob.digest };
  const texts = hinted.map(({ text }) => text);
  const value = Buffer.from(packHintTexts(texts)).toString('base64');
  if (value.length <= HINTS_ANNOTATION_LIMIT)
    return carrier([...blobs.values()], [], { [HINTS_ANNOTATION]: value, ...packed });
  const layer = layerOfHints(texts);
  return carrier([...blobs.values()], [layer], { [HINTS_LAYER_ANNOTATION]: layer.descriptor.digest, ...packed });
}

/** The hints in a manifest of anybody's, or the layer that {@link hintTextsOfLayer} reads them from; undefined when there are none. */
export function hintTextsOf(manifest: Uint8Array): readonly string[] | { readonly layer: Descriptor } | undefined {
  const { annotations = {}, layers = [] } = decoded(manifest) ?? {};
  const value = annotations[HINTS_ANNOTATION];
  if (value !== undefined) return unpackHintTexts(Buffer.from(value, 'base64'));
  const digest = annotations[HINTS_LAYER_ANNOTATION];
  const layer = layers.find((candidate) => candidate.digest === digest && candidate.size <= PACKED_HINTS_LIMIT);
  return layer === undefined ? undefined : { layer };
}

/** The layer with the indexes of other layers in a manifest of hints; undefined when it has none. */
export function packOf(manifest: Uint8Array): Descriptor | undefined {
  const { annotations = {}, layers = [] } = decoded(manifest) ?? {};
  return layers.find(({ digest }) => digest === annotations[PACK_ANNOTATION]);
}

/** The hints in the bytes of a layer, which were verified against its descriptor; undefined when there are none. */
export function hintTextsOfLayer(packed: Uint8Array): readonly string[] | undefined {
  try {
    const tar = gunzipSync(packed, { maxOutputLength: HINTS_LAYER_LIMIT });
    // The one file comes first, in an ustar header of 512 bytes with its size in octal (POSIX ustar, "size").
    const size = Number.parseInt(tar.subarray(124, 136).toString('latin1'), 8);
    return hintTextsIn(tar.subarray(512, 512 + size));
  } catch {
    return undefined;
  }
}

interface OwnLayer extends CarriedDocument {
  readonly diffID: Digest;
}

function layerOfHints(texts: readonly string[]): OwnLayer {
  const content = Buffer.from(JSON.stringify(texts));
  const header = encodeTarHeader({
    path: '.tsbuild-hints.json',
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: { seconds: 0, nanoseconds: 0 },
    linkPath: '',
    devMajor: 0,
    devMinor: 0,
  });
  const padding = new Uint8Array((512 - (content.length % 512)) % 512);
  const tar = Buffer.concat([header, content, padding, END_OF_ARCHIVE]);
  return { ...documentOf(MediaType.ociLayerGzip, gzipSync(tar, { level: 9 })), diffID: sha256Digest(tar) };
}

function carrier(
  blobs: readonly SharedBlob[],
  own: readonly OwnLayer[],
  annotations: Readonly<Record<string, string>>,
): CarrierImage {
  const empty = { ...documentOf(MediaType.ociLayerGzip, EMPTY_LAYER), diffID: EMPTY_LAYER_DIFF_ID };
  // Some registries refuse an image without layers.
  const ownLayers = blobs.length + own.length === 0 ? [empty] : own;
  const image = assembleImage({
    // What every registry and scanner knows. No time: the same layers give the same config.
    config: {
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [...blobs, ...ownLayers].map(({ diffID }) => diffID) },
    },
    layers: [...blobs.map(({ blob }) => blob), ...ownLayers.map(({ descriptor }) => descriptor)],
    annotations,
  });
  return {
    manifest: { descriptor: image.manifestDescriptor, bytes: image.manifest },
    config: { descriptor: image.configDescriptor, bytes: image.config },
    ownLayers: ownLayers.map(({ descriptor, bytes }) => ({ descriptor, bytes })),
  };
}

function documentOf(mediaType: string, bytes: Uint8Array): CarriedDocument {
  return { descriptor: { mediaType, digest: sha256Digest(bytes), size: bytes.length }, bytes };
}

function decoded(manifest: Uint8Array): Manifest | undefined {
  try {
    return decodeManifest(manifest);
  } catch {
    return undefined;
  }
}
