export type { BlobInfo, BlobRange, BlobReader, BlobStore, BlobWriter, ExpectedBlob } from './blob/blob-store.ts';
export { readBlob } from './blob/read-blob.ts';
export { MemoryBlobStore } from './blob/memory.ts';
export { byteStringToUtf8, compareByteStrings, utf8ToByteString } from './byte-string.ts';
export type { ByteString } from './byte-string.ts';
export { canonicalJson } from './canonical-json.ts';
export type { JsonValue } from './canonical-json.ts';
export { chainID, chainIDs } from './chain-id.ts';
export type { Descriptor } from './descriptor.ts';
export { digestAlgorithm, digestHex, isDigest, parseDigest, sha256Digest } from './digest.ts';
export type { Digest } from './digest.ts';
export { OciError } from './errors.ts';
export type { OciErrorCode } from './errors.ts';
export { assembleImage } from './image.ts';
export type { AssembledImage } from './image.ts';
export { decodeImageConfig, encodeImageConfig } from './image-config.ts';
export type {
  ContainerConfig,
  EmptyObject,
  Healthcheck,
  HistoryEntry,
  ImageConfig,
  RootfsLayers,
} from './image-config.ts';
export { decodeImageIndex, isAttestation, selectManifest } from './image-index.ts';
export type { ImageIndex } from './image-index.ts';
export { artifactFrom, artifactOf, withSubject } from './artifact/artifact.ts';
export type { Artifact, ArtifactFile, ArtifactParts, NewArtifactFile } from './artifact/artifact.ts';
export { IMPLIED_DIRECTORY } from './layer/layer-entry.ts';
export type { LayerEntry } from './layer/layer-entry.ts';
export { decodeManifest } from './manifest.ts';
export type { Manifest } from './manifest.ts';
export { isConfigType, isIndexType, isManifestType, layerCompression, MediaType } from './media-type.ts';
export type { LayerCompression } from './media-type.ts';
export { formatPlatform, normalizePlatform, parsePlatform, platformFit, samePlatform } from './platform.ts';
export type { Platform } from './platform.ts';
export { familiarName, familiarRepository, formatReference, parseReference } from './reference.ts';
export type { Reference } from './reference.ts';
export { validateImage } from './validation/validate.ts';
export type { ImageProblem, Validated, ValidateImage, ValidateImageOptions } from './validation/validate.ts';
export { rfc3339 } from './rfc3339.ts';
export type { TarEntry, TarEntryType, TarTime } from './tar/entry.ts';
export { readTar } from './tar/reader.ts';
export type { SparseRegion } from './tar/sparse.ts';
export type { ReadTarOptions, TarMember } from './tar/reader.ts';
export { encodeTarHeader, END_OF_ARCHIVE } from './tar/writer.ts';
export { blobContent, contentOf, fromBlobs, imageFrom } from './content-source.ts';
export type { ContentSource } from './content-source.ts';
export { copyContent } from './copy-content.ts';
export type { ContentSink, CopyOptions } from './copy-content.ts';
export { emptyImage, imageOf, imageOfLayers } from './image-value.ts';
export type { ContentOrigin, Image, ImageLayer, ImageParts } from './image-value.ts';
export {
  addImage,
  emptyIndex,
  indexOf,
  indexOfImages,
  removeImage,
  selectImage,
  withIndexAnnotations,
} from './index-building.ts';
export type { AddImageOptions, MultiPlatformImage } from './index-building.ts';
export { withMediaTypes } from './media-type-family.ts';
export type { MediaTypeFamily } from './media-type-family.ts';
export { appendLayers, withAnnotations, withConfig, withCreated, withLabels, withPlatform } from './mutate.ts';
export type { ContainerConfigChanges, LayerAddition } from './mutate.ts';
export { rebase } from './rebase.ts';
