export * from './index.ts';
export { validateImage } from './validation/validate-node.ts';
export { DirectoryBlobStore } from './blob/directory.ts';
export { hostPlatform } from './host-platform.ts';
export { decompress, sniffCompression } from './layer/compression.ts';
export type { Compression, DecompressOptions } from './layer/compression.ts';
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
export type { ArchiveBorrower, ArchiveSink } from './layout/archive-sink.ts';
export { importRootfs } from './layout/import-rootfs.ts';
export type { ImportRootfsOptions } from './layout/import-rootfs.ts';
export { Layout } from './layout/layout.ts';
export type { OpenLayoutOptions } from './layout/layout.ts';
export type { Lease } from './layout/lease.ts';
export { loadArchive } from './layout/load-archive.ts';
export type { LoadArchiveOptions, LoadedImage } from './layout/load-archive.ts';
export type { Collected, ImageContent, RemovedName, StoredImage } from './layout/stored-image.ts';
export { writeArchive, writeArchiveFile } from './layout/write-archive.ts';
export type { ImageToArchive, WriteArchiveOptions } from './layout/write-archive.ts';
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
export { fromArchive, indexFromArchive } from './archive-image.ts';
export type { FromArchiveOptions } from './archive-image.ts';
export { exportTree, extractFile } from './export-tree.ts';
export type { ExtractedFile } from './export-tree.ts';
export { toArchive } from './image-archive.ts';
export type { NamedImage, ToArchiveOptions } from './image-archive.ts';
export { diffImages } from './image-diff.ts';
export type {
  ComparedLayer,
  DiffImagesOptions,
  FileChange,
  ImageDiff,
  ListChange,
  ValueChange,
} from './image-diff.ts';
export { ImageTree, indexImage } from './image-tree.ts';
export type { ReadLayersOptions } from './image-tree.ts';
export { applyLayer } from './layer/apply-layer.ts';
export type { ApplyLayerOptions } from './layer/apply-layer.ts';
export { applyIndexedLayer } from './layer/apply.ts';
export type { ApplyOptions } from './layer/apply.ts';
export { diffDirectories } from './layer/diff-directories.ts';
export type { DiffDirectoriesOptions } from './layer/diff-directories.ts';
export { DirectoryTree } from './layer/directory-tree.ts';
export type { DirectoryTreeOptions } from './layer/directory-tree.ts';
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
export { withCompression } from './recompress.ts';
export type { RecompressOptions } from './recompress.ts';
export { flatten, squash } from './squash.ts';
export type { SquashOptions } from './squash.ts';
export { unpackImage } from './unpack-image.ts';
export type { UnpackImageOptions } from './unpack-image.ts';
export { compressLayer } from './layer/compress.ts';
export type { CompressedLayer } from './layer/compress.ts';
export { extractTar } from './layer/extract-tar.ts';
export type { ExtractTarOptions } from './layer/extract-tar.ts';
export { gzipLayer } from './layer/gzip.ts';
export type { GzipOptions } from './layer/gzip.ts';
export { unzstd, zstdLayer } from './layer/zstd.ts';
export type { ZstdEngine, ZstdOptions } from './layer/zstd.ts';
export { blobSink, fromLayout, fromStoredImage, indexFromLayout, toLayout, toStore } from './layout-image.ts';
export type { FromLayoutOptions, ToLayoutOptions } from './layout-image.ts';
export { fromRegistry, indexFromRegistry, registryContent, registrySink, toRegistry } from './remote-image.ts';
export type { FromRegistryOptions, RegistryReader, RegistryWriter, ToRegistryOptions } from './remote-image.ts';
export { copyReferrers } from './remote/copy-referrers.ts';
export type { CopyReferrersOptions } from './remote/copy-referrers.ts';
export { keepPlatforms } from './remote/keep-platforms.ts';
export { artifactFromLayout, artifactFromRegistry, attachArtifact } from './artifact/artifact-places.ts';
