export { build } from './build/build.ts';
export { verifyCheckout } from './build/verify-checkout.ts';
export type { CheckoutStep, CheckoutVerification } from './build/verify-checkout.ts';
export type { ConfigDifference } from './checkout/config-diff.ts';
export { checkBuild, listTargets, outlineBuild } from './build/check.ts';
export type { CheckResult } from './build/check.ts';
export { isAdvice } from './lint/rules.ts';
export type { Outline, OutlinedArg, OutlinedMount, OutlinedTarget, TargetList } from './lint/outline.ts';
export { exportCacheMount, importCacheMount } from './store/cache-mount-archive.ts';
export type { CacheMountName } from './store/cache-mount-archive.ts';
export { dockerfileStages } from './build/dockerfile-stages.ts';
export { existingDockerfile } from './context/dockerfile-name.ts';
export { pullImage } from './transfer/pull.ts';
export type { PullOptions, PullResult } from './transfer/pull.ts';
export { makeIndex } from './transfer/make-index.ts';
export type { MakeIndexOptions } from './transfer/make-index.ts';
export { pushNewIndex } from './transfer/push-new-index.ts';
export type { IndexSource } from './transfer/index-sources.ts';
export { pushImage } from './transfer/push.ts';
export type { Packing } from './source/remote-records.ts';
export type { PushOptions, PushResult } from './transfer/push.ts';
export { openExporter } from './export/open-exporter.ts';
export type {
  BytesTarget,
  DirectoryTarget,
  EngineTarget,
  Exporter,
  ExportResult,
  ExportTarget,
  ExportWork,
  ImageToExport,
  RegistryTarget,
} from './export/exporter.ts';
export type {
  BuildOptions,
  BuildResult,
  ContextOrigin,
  PlacedAnnotation,
  PlatformResult,
} from './build/build-options.ts';
export type { Material } from './attestation/material.ts';
export type { AttestationOptions, ProvenanceOptions } from './attestation/attestation-options.ts';
export type { ContextObserver, DirectoryObserver } from './context/observed-tree.ts';
export type { SourceEntry } from './context/source-tree.ts';
export type { SourceFile, SourceRange } from './diagnostics/source-file.ts';
export { BuildError } from './diagnostics/build-error.ts';
export type { DifferentAttribute, DifferentFile, DifferentStep, Verification } from './progress/verification.ts';
export type { BuildErrorCode, BuildErrorOptions } from './diagnostics/build-error.ts';
export { emulationFor, type ImageEmulation } from './container/foreign-image.ts';
export { examineEmulation, type PlatformReport } from './emulation/examine-emulation.ts';
export { examineMachine } from './executor/examine-machine.ts';
export type { MachineFact, MachineReport } from './executor/examine-machine.ts';
export type { MachineMode } from './executor/machine/machine-modes.ts';
export type { PodLevel } from './executor/machine/pod-level.ts';
export type { HostEntry, ResourceLimit } from './executor/executor.ts';
export type { Isolation } from './executor/executor.ts';
export { prepareProcess } from './executor/prepare-process.ts';
export type { SecretSource } from './mounts/secrets.ts';
export { needsUserNamespace, runInUserNamespace, userNamespaceCommand } from './executor/user-namespace.ts';
export type { UserNamespaceCommand } from './executor/user-namespace.ts';
export type {
  BuildStarted,
  BuiltPlatform,
  BuildVerified,
  CheckWarning,
  ImageBuilt,
  Notice,
  PlannedStep,
  PlanReady,
  ProgressEvent,
  StepCached,
  StepMissed,
  StepFailed,
  StepFinished,
  StepOutput,
  StepStarted,
  StepWaited,
  Transfer,
} from './progress/event.ts';
export type { MissChange, MissReason } from './progress/miss-reason.ts';
export type { BuildRecord, RecordedPhase, RecordedStep } from './explain/build-record.ts';
export { compareBuilds } from './explain/compare-builds.ts';
export type { BuildComparison, StepComparison } from './explain/compare-builds.ts';
export { isTimed, timelineOf, workOf } from './timeline/timeline.ts';
export type { TimedStep, Timeline, TimelineBar } from './timeline/timeline.ts';
export { maskedText, maskedValue } from './explain/mask.ts';
export { describeChange } from './explain/sentence.ts';
export { compilePatterns } from './context/pattern-matcher.ts';
export { parseSize } from './plan/size.ts';
export { silentReporter } from './progress/reporter.ts';
export type { ProgressReporter } from './progress/reporter.ts';
export { Store } from './store/store.ts';
export { storePath } from './disk/store-paths.ts';
export type { StoreDirectory } from './disk/store-paths.ts';
export { MonitorClient } from './container/client.ts';
export type { CommandEnd, CommandStreams } from './container/client.ts';
export { Container } from './container-state/container.ts';
export type {
  ContainerDescription,
  ContainerMount,
  NetworkMode,
  PortMapping,
} from './container-state/container-config.ts';
export type { ContainerState } from './container-state/container-state.ts';
export { ContainerStore } from './container-state/container-store.ts';
export { createContainer } from './container/create-container.ts';
export { readCapabilities } from './container/container-rights.ts';
export type { BindRequest, CreateOptions, TmpfsRequest, VolumeRequest } from './container/create-options.ts';
export { launchMonitor, MONITOR_WORD, runMonitor } from './container/launch.ts';
export { hasPrivateNetwork, noPrivateNetwork } from './container/network.ts';
export { members } from './container/pause.ts';
export { removeContainer } from './container/remove-container.ts';
export type { RemoveOptions } from './container/remove-container.ts';
export { checkVolumeName, VolumeStore } from './container-state/volume-store.ts';
export type { Volume, VolumeConfig } from './container-state/volume-store.ts';
export { pruneVolumes, removeVolume, volumeUsers } from './container/volumes/volume-use.ts';
export type { ExecRequest } from './container/run-spec.ts';
export { signalNumber } from './container/signals.ts';
export { killContainer, stopContainer } from './container/stop.ts';
export { readLog } from './container/log-reader.ts';
export type { LogEntry, LogRange } from './container/log-reader.ts';
export { commitContainer } from './container/commit.ts';
export type { CommitOptions } from './container/commit.ts';
export { listChanges } from './container/container-changes.ts';
export type { ContainerChange } from './container/container-changes.ts';
export { removalOf } from './container-state/images-in-use.ts';
export { containerDocument } from './container/inspect-container.ts';
export {
  type ContainerCopyOptions,
  copyFromContainer,
  copyToContainer,
  readFromContainer,
  writeToContainer,
} from './container/files/copy.ts';
export { exportContainer } from './container/files/export-container.ts';
export { renameContainer } from './container/rename.ts';
export type { FailedRun, ShellSession } from './ops/dependencies.ts';
export { checkStore } from './fsck/store-check.ts';
export type { CheckedFinding, CheckStoreOptions, StoreCheck } from './fsck/store-check.ts';
export { listSharedCache, pruneSharedCache, verifySharedCache } from './shared-cache/look-after.ts';
export type { LookAfterOptions, SharedCacheEntry, SharedPruneOptions } from './shared-cache/look-after.ts';
export type { SharedRecord } from './shared-cache/record/shared-record.ts';
export { parseCacheSpecs } from './shared-cache/flags/cache-spec.ts';
export type { CacheSpec, CacheType, ParsedCacheSpecs } from './shared-cache/flags/cache-spec.ts';
export type { CacheCounts } from './progress/event.ts';
export { bringLayers } from './shared-cache/layers-at-hand.ts';
export type { LayerAccess } from './shared-cache/layers-at-hand.ts';
export { generateSigningKey } from './shared-cache/record/record-signature.ts';
export { OutputLost } from './diagnostics/output-lost.ts';
export { listCache, pruneCache } from './store/store-cache.ts';
export type { PrunedCache } from './store/store-cache.ts';
export type { CacheEntry, CacheKind, PruneOptions } from './store/cache-entry.ts';
export { packagesOfBuild, packagesOfImage } from './packages/image-packages.ts';
export type { ImagePackages, SolvedBuild } from './packages/image-packages.ts';
export { originText } from './packages/package-origin.ts';
export type {
  AttributedChange,
  AttributedInventory,
  AttributedPackage,
  PackageOrigin,
  StepPlace,
} from './packages/package-origin.ts';
export { layersOfImage } from './layers/image-layers.ts';
export type { ImageLayers, LayersOfImageOptions, ShownLayer } from './layers/image-layers.ts';
export type { LayerWaste } from './layers/layer-waste.ts';
export { diffPackages } from './packages/diff-packages.ts';
export type { PackageDifference } from './packages/diff-packages.ts';
export { gapText, imageBill, silentText } from './packages/image-bill.ts';
export type { BillSubject } from './packages/image-bill.ts';
