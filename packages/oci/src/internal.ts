/**
 * What the packages of this project share beneath the public interface: files that appear whole, locks, checks of a store.
 * It may change with every version. Programs use `@tsbuild/oci` and `@tsbuild/oci/node`.
 */
export {
  makeFolders,
  replaceFileUnsynced,
  temporaryOwner,
  temporaryPath,
  writeFileAtomic,
} from './processes/atomic-file.ts';
export { ATTESTED, ofAttested } from './spec/image-index.ts';
export { writerOf as sinkWriter } from './archive/archive-sink.ts';
export { writeOutputFile } from './processes/output-file.ts';
export type { Sink } from './processes/output-file.ts';
export { streamSink } from './processes/output-stream.ts';
export { fileSystemTime, holderName } from './processes/claim.ts';
export { FileLock } from './processes/file-lock.ts';
export { liveLeases, takeLease } from './processes/lease.ts';
export { claimStep } from './processes/step-claim.ts';
export type { ClaimOptions, StepClaim } from './processes/step-claim.ts';
export { LAYOUT_NAMES, layoutPaths } from './processes/layout-names.ts';
export { closeStore } from './layout/store-access.ts';
export type { StoreAccess } from './layout/store-access.ts';
export { SparseFile } from './blob/sparse-file.ts';
export { namingPath } from './processes/store-errors.ts';
export { sealJson, unsealJson } from './processes/sealed-json.ts';
export type { UnsealedJson } from './processes/sealed-json.ts';
export {
  decodeIdentity,
  identify,
  isAbandoned,
  isOfThisBoot,
  ownerState,
  ownerTag,
  processState,
  thisProcess,
  UNSEEN_LIMIT,
} from './processes/process-identity.ts';
export type { ProcessIdentity } from './processes/process-identity.ts';
export { storePackedLayer } from './layer/store-layer.ts';
export { takeInventory } from './inventory/image-inventory.ts';
export { comparePackages, pairChanges } from './inventory/package-change.ts';
export { readLayerPackages } from './inventory/layer-packages.ts';
export type { InventoryLayer } from './inventory/package-history.ts';
export { rangeReader } from './layer/file-reader.ts';
export type { FilePlace } from './layer/file-reader.ts';
export { verifyLayoutAt } from './layout/fsck/verify-layout.ts';
export type { VerifiedLayout, VerifyLayoutOptions } from './layout/fsck/verify-layout.ts';
export type { VerifiedBlobs } from './layout/fsck/verify-blobs.ts';
export type { FsckOptions, StoreFinding, FindingKind, Repair } from './layout/fsck/finding.ts';
export { IndexBudget } from './layer/index-budget.ts';
export { baseName, joinPath, parentPath } from './layer/layer-path.ts';
export { isWhiteoutName, OPAQUE_NAME, parseWhiteout, whiteoutPath } from './layer/whiteout.ts';
export { CAPABILITY_XATTR, isOverlayXattr } from './layer/kept-xattrs.ts';
export { PROGRAM_ENVIRONMENT, SYSTEM_DIRECTORIES, SYSTEM_PATH } from './processes/host-programs.ts';
export { O_PATH, OPAQUE_XATTRS, S_IFCHR, systemError } from './disk/native.ts';
export type { FileXattrs, Native, XattrFailure } from './disk/native.ts';
export { programsNative } from './disk/native-programs.ts';
export { errorCode, rawPath } from './disk/raw-path.ts';
export type { RawPath } from './disk/raw-path.ts';
export { EntryWriter } from './disk/entry-writer.ts';
export type { DiskEntry, Skipped } from './disk/entry-writer.ts';
export { exactTimes } from './disk/file-times.ts';
export { FreshDirectory } from './disk/fresh-directory.ts';
export { DirectoryWriter } from './disk/directory-writer.ts';
export { nodeHasher } from './blob/directory-writer.ts';
export { verified } from './blob/verify.ts';
export { systemClock } from './registry/clock.ts';
export type { HttpResponse } from './registry/http-response.ts';
export { plainText, plainUrl } from './registry/plain-text.ts';
export { parseRetryAfter, retrying } from './registry/retry.ts';
export { Transport } from './registry/transport.ts';
export type { HttpRequest, RequestBody } from './registry/transport.ts';
export { ed25519Bytes } from './signature/key.ts';
