export * from './index.ts';
export { validateImage } from './validation/validate-node.ts';
export { DirectoryBlobStore } from './blob/directory.ts';
export { hostPlatform } from './processes/host-platform.ts';
export { decompress, sniffCompression } from './compression/compression.ts';
export type { Compression, DecompressOptions } from './compression/compression.ts';
export { LayerIndex } from './layer/layer-index.ts';
export type { LayerChild } from './layer/layer-index.ts';
export { LayerIndexStore } from './layer/layer-index-store.ts';
export { indexLayer } from './layer/read-layer.ts';
export type { IndexedLayer, IndexLayerOptions } from './layer/read-layer.ts';
export { RootfsTree } from './layer/rootfs-tree.ts';
export { storeLayer } from './layer/store-layer.ts';
export type { RootfsEntry, RootfsLayer } from './layer/rootfs-tree.ts';
export { LayerWriter } from './layer/write.ts';
export type { LayerPiece, NewLayerEntry, WrittenLayer } from './layer/write.ts';
export type { ArchiveBorrower, ArchiveSink } from './archive/archive-sink.ts';
export { importRootfs } from './archive/import-rootfs.ts';
export type { ImportRootfsOptions } from './archive/import-rootfs.ts';
export { Layout } from './layout/layout.ts';
export type { ElsewhereLayers, OpenLayoutOptions } from './layout/layout.ts';
export type { Lease } from './processes/lease.ts';
export { loadArchive } from './archive/load-archive.ts';
export type { LoadArchiveOptions, LoadedImage } from './archive/load-archive.ts';
export type { FindImageOptions } from './layout/find-image.ts';
export { chosenImage, membersInPlace } from './layout/index-members.ts';
export { imageIdOf } from './layout/stored-image.ts';
export type { ChosenFrom, Collected, ImageContent, RemovedName, StoredImage } from './layout/stored-image.ts';
export type { IndexContent, IndexedImage, IndexMember, StoredIndex } from './layout/stored-index.ts';
export { writeArchive, writeArchiveFile } from './archive/write-archive.ts';
export type { ImageToArchive, WriteArchiveOptions } from './archive/write-archive.ts';
export { RegistryClient } from './registry/client.ts';
export type { Credential, CredentialSource } from './registry/credential.ts';
export { dockerConfigPath, dockerCredentials } from './registry/docker-config.ts';
export type { Clock, RegistryOptions, RetryPolicy, TransferEvent } from './registry/options.ts';
export type { FetchedManifest } from './registry/manifests.ts';
export type { Environment } from './registry/proxy.ts';
export { WebClient } from './registry/web-client.ts';
export type { WebOptions, WebResponse } from './registry/web-client.ts';
export type { PushBlobOptions } from './registry/upload.ts';
export { removeCredential, saveCredential } from './registry/save-credential.ts';
export { fromArchive, indexFromArchive } from './archive/archive-image.ts';
export type { FromArchiveOptions } from './archive/archive-image.ts';
export { exportTree, exportTrees, extractFile } from './image/export-tree.ts';
export type { ExtractedFile } from './image/export-tree.ts';
export { toArchive } from './archive/image-archive.ts';
export type { NamedImage, ToArchiveOptions } from './archive/image-archive.ts';
export { diffImages } from './image/image-diff.ts';
export type {
  ComparedLayer,
  DiffImagesOptions,
  FileChange,
  ImageDiff,
  ListChange,
  ValueChange,
} from './image/image-diff.ts';
export { ImageTree, indexImage } from './image/image-tree.ts';
export type { ReadLayersOptions } from './image/image-tree.ts';
export { applyLayer } from './disk/apply-layer.ts';
export type { ApplyLayerOptions } from './disk/apply-layer.ts';
export { applyIndexedLayer } from './disk/apply.ts';
export type { ApplyOptions } from './disk/apply.ts';
export { diffDirectories } from './disk/diff-directories.ts';
export type { DiffDirectoriesOptions } from './disk/diff-directories.ts';
export { DirectoryTree } from './disk/directory-tree.ts';
export type { DirectoryTreeOptions } from './disk/directory-tree.ts';
export type { FileReader } from './layer/file-reader.ts';
export type { ChangedField } from './layer/changed-fields.ts';
export { compareLayers } from './layer/layer-comparison.ts';
export type { LayerChange } from './layer/layer-comparison.ts';
export { compareTrees, filesOf } from './layer/tree-comparison.ts';
export type {
  CompareTreesOptions,
  FileTree,
  TreeChange,
  TreeComparison,
  TreeEntry,
} from './layer/tree-comparison.ts';
export { layerDifference, writeDifference } from './layer/write-difference.ts';
export type { LayerDifference, WriteDifferenceOptions } from './layer/write-difference.ts';
export { withCompression } from './image/recompress.ts';
export type { RecompressOptions } from './image/recompress.ts';
export { flatten, squash } from './image/squash.ts';
export type { SquashOptions } from './image/squash.ts';
export { unpackImage } from './image/unpack-image.ts';
export type { UnpackImageOptions } from './image/unpack-image.ts';
export { compressLayer } from './compression/compress.ts';
export type { CompressedLayer } from './compression/compress.ts';
export { extractTar } from './disk/extract-tar.ts';
export type { ExtractTarOptions } from './disk/extract-tar.ts';
export { gzipLayer } from './compression/gzip.ts';
export type { GzipOptions } from './compression/gzip.ts';
export { unzstd, zstdLayer } from './compression/zstd.ts';
export type { ZstdEngine, ZstdOptions } from './compression/zstd.ts';
export { blobSink, fromLayout, fromStoredImage, indexFromLayout, toLayout, toStore } from './layout/layout-image.ts';
export type { FromLayoutOptions, ToLayoutOptions } from './layout/layout-image.ts';
export { fromRegistry, indexFromRegistry, registryContent, registrySink, toRegistry } from './registry/remote-image.ts';
export type {
  FromRegistryOptions,
  RegistryReader,
  RegistryWriter,
  ToRegistryOptions,
} from './registry/remote-image.ts';
export type { CopiedImage, CopyPlace } from './artifact/copy-image.ts';
export { copyImage } from './artifact/copy-image.ts';
export { copyReferrers } from './artifact/copy-referrers.ts';
export type { CopyReferrersOptions } from './artifact/copy-referrers.ts';
export { keepPlatforms } from './image/keep-platforms.ts';
export { artifactFromLayout, artifactFromRegistry, attachArtifact } from './artifact/artifact-places.ts';
export { findWaste } from './waste/image-waste.ts';
export type { DeadFiles, DeadKind, FileSize, ImageWaste, LayerContent } from './waste/image-waste.ts';
export type { DuplicateGroup, DuplicatePlace, DuplicateSum } from './waste/duplicates.ts';
export { imagePackages } from './inventory/image-packages.ts';
export type { ImagePackagesOptions } from './inventory/image-packages.ts';
export type { InventoryGap, PackageInventory } from './inventory/image-inventory.ts';
export { isLayerPackages } from './inventory/layer-packages.ts';
export type { LayerPackages, PackageSource } from './inventory/layer-packages.ts';
export type { LocatedPackage, PackageChange } from './inventory/package-change.ts';
export { generateKeyPair, signerKey, verifierKey } from './signature/key.ts';
export type { KeyAlgorithm, SignerKey, VerifierKey } from './signature/key.ts';
export { preAuthEncoding } from './signature/dsse-envelope.ts';
export type { DsseEnvelope, DsseSignature } from './signature/dsse-envelope.ts';
export { decodeBundle, encodeBundle, SIGSTORE_BUNDLE } from './signature/sigstore-bundle.ts';
export type { SigstoreBundle } from './signature/sigstore-bundle.ts';
export { signatureArtifact, signManifest, verifyManifestSignature } from './signature/image-signature.ts';
export { signInRegistry, verifyInRegistry } from './signature/registry-signatures.ts';
export type { ManifestSignatures, SignedManifest, SignOptions } from './signature/registry-signatures.ts';
export { signableManifests } from './signature/signed-manifests.ts';
export type { SignableManifest } from './signature/signed-manifests.ts';
