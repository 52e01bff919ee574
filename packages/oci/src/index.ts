export type { BlobInfo, BlobRange, BlobReader, BlobStore, BlobWriter, ExpectedBlob } from './blob/blob-store.ts';
export { readBlob } from './blob/read-blob.ts';
export { MemoryBlobStore } from './blob/memory.ts';
export { byteStringToUtf8, compareByteStrings, utf8ToByteString } from './spec/byte-string.ts';
export type { ByteString } from './spec/byte-string.ts';
export { canonicalJson } from './spec/canonical-json.ts';
export type { JsonValue } from './spec/canonical-json.ts';
export { chainID, chainIDs } from './spec/chain-id.ts';
export type { Descriptor } from './spec/descriptor.ts';
export { digestAlgorithm, digestHex, isDigest, parseDigest, sha256Digest } from './spec/digest.ts';
export type { Digest } from './spec/digest.ts';
export { OciError } from './spec/oci-error.ts';
export type { OciErrorCode } from './spec/oci-error.ts';
export { assembleImage } from './image/image.ts';
export type { AssembledImage } from './image/image.ts';
export { decodeImageConfig, encodeImageConfig } from './spec/image-config.ts';
export type {
  ContainerConfig,
  EmptyObject,
  Healthcheck,
  HistoryEntry,
  ImageConfig,
  RootfsLayers,
} from './spec/image-config.ts';
export { decodeImageIndex, isAttestation, selectManifest } from './spec/image-index.ts';
export type { ImageIndex } from './spec/image-index.ts';
export { artifactFrom, artifactOf, withSubject } from './image/artifact.ts';
export type { Artifact, ArtifactFile, ArtifactParts, NewArtifactFile } from './image/artifact.ts';
export { IMPLIED_DIRECTORY } from './layer/layer-entry.ts';
export type { LayerEntry } from './layer/layer-entry.ts';
export { decodeManifest } from './spec/manifest.ts';
export type { Manifest } from './spec/manifest.ts';
export { isConfigType, isIndexType, isManifestType, layerCompression, MediaType } from './spec/media-type.ts';
export type { LayerCompression } from './spec/media-type.ts';
export { formatPlatform, normalizePlatform, parsePlatform, platformFit, samePlatform } from './spec/platform.ts';
export type { Platform } from './spec/platform.ts';
export { familiarName, familiarRepository, formatReference, parseReference } from './spec/reference.ts';
export type { Reference } from './spec/reference.ts';
export { validateImage } from './validation/validate.ts';
export type { ImageProblem, Validated, ValidateImage, ValidateImageOptions } from './validation/validate.ts';
export { rfc3339 } from './spec/rfc3339.ts';
export type { TarEntry, TarEntryType, TarTime } from './tar/entry.ts';
export { readTar } from './tar/reader.ts';
export type { SparseRegion } from './tar/sparse.ts';
export type { ReadTarOptions, TarMember } from './tar/reader.ts';
export { encodeTarHeader, END_OF_ARCHIVE } from './tar/writer.ts';
export { blobContent, contentOf, fromBlobs, imageFrom } from './image/content-source.ts';
export type { ContentSource } from './image/content-source.ts';
export { copyContent } from './image/copy-content.ts';
export type { ContentSink, CopyOptions } from './image/copy-content.ts';
export { emptyImage, imageOf, imageOfLayers } from './image/image-value.ts';
export type { ContentOrigin, Image, ImageLayer, ImageParts } from './image/image-value.ts';
export {
  addEntry,
  addImage,
  emptyIndex,
  indexOf,
  indexOfImages,
  platformOf,
  removeImage,
  selectImage,
  withIndexAnnotations,
} from './image/index-building.ts';
export type { AddImageOptions, MultiPlatformImage } from './image/index-building.ts';
export { replaceManifests } from './image/replace-manifests.ts';
export { withMediaTypes } from './image/media-type-family.ts';
export type { MediaTypeFamily } from './image/media-type-family.ts';
export { appendLayers, withAnnotations, withConfig, withCreated, withLabels, withPlatform } from './image/mutate.ts';
export type { ContainerConfigChanges, LayerAddition } from './image/mutate.ts';
export { rebase } from './image/rebase.ts';
export { memoryFile } from './package-records/package-file.ts';
export type { PackageFile } from './package-records/package-file.ts';
export type { PackageFindings, PackageRecord, PackageType } from './package-records/package-record.ts';
export { PACKAGE_READERS_VERSION, packageReader, readPackages } from './package-records/read-packages.ts';
export type { PackageReader } from './package-records/read-packages.ts';
export { imageUrl } from './package-records/image-url.ts';
export { packageUrl } from './package-records/package-url.ts';
export { parseOsRelease } from './package-records/os-release.ts';
export type { Distribution } from './package-records/os-release.ts';
export type { BillOfMaterials, ListedPackage } from './bill-of-materials/bill-of-materials.ts';
export { spdxDocument } from './bill-of-materials/spdx.ts';
export { cyclonedxDocument } from './bill-of-materials/cyclonedx.ts';
export { ATTESTATION_TYPE, attestationOf } from './attestation/attestation-manifest.ts';
export type { AttestationForm, AttestationParts } from './attestation/attestation-manifest.ts';
export { addAttestation, attestationEntry, indexAttestations } from './attestation/index-attestations.ts';
export type { AttestationFile, ImageAttestation } from './attestation/index-attestations.ts';
export { moveAttestation } from './attestation/move-attestation.ts';
export { decodeStatement, encodeStatement, STATEMENT_TYPE } from './attestation/statement.ts';
export type { InTotoStatement, StatementSubject } from './attestation/statement.ts';
