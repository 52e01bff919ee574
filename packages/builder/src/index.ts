export { build } from './build.ts';
export { checkBuild, listTargets, outlineBuild } from './check.ts';
export type { CheckResult } from './check.ts';
export type { Outline, OutlinedArg, OutlinedMount, OutlinedTarget, TargetList } from './lint/outline.ts';
export { exportCacheMount, importCacheMount } from './cache-mount-archive.ts';
export type { CacheMountName } from './cache-mount-archive.ts';
export { dockerfileStages } from './dockerfile-stages.ts';
export { existingDockerfile } from './context/dockerfile-name.ts';
export { pullImage } from './pull.ts';
export type { PullOptions, PullResult } from './pull.ts';
export { pushImage } from './push.ts';
export type { PushOptions, PushResult } from './push.ts';
export type { BuildOptions, BuildResult, ContextOrigin, HostEntry } from './build-options.ts';
export type { ContextObserver, DirectoryObserver } from './context/observed-tree.ts';
export type { SourceEntry } from './context/source-tree.ts';
export type { SourceFile, SourceRange } from './dockerfile/source-file.ts';
export { BuildError } from './errors.ts';
export type { DifferentAttribute, DifferentFile, DifferentStep, Verification } from './verify/verification.ts';
export type { BuildErrorCode, BuildErrorOptions } from './errors.ts';
export { examineMachine } from './executor/examine-machine.ts';
export type { MachineFact, MachineMode, MachineReport } from './executor/examine-machine.ts';
export type { ResourceLimit } from './executor/executor.ts';
export type { Isolation } from './executor/select.ts';
export type { SecretSource } from './mounts/secrets.ts';
export { needsUserNamespace, runInUserNamespace, userNamespaceCommand } from './executor/user-namespace.ts';
export type { UserNamespaceCommand } from './executor/user-namespace.ts';
export type {
  BuildStarted,
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
  Transfer,
} from './progress/event.ts';
export type { MissChange, MissReason } from './progress/miss-reason.ts';
export type { BuildRecord, RecordedStep } from './explain/build-record.ts';
export { describeChange } from './explain/sentence.ts';
export { parseSize } from './plan/size.ts';
export { silentReporter } from './progress/reporter.ts';
export type { ProgressReporter } from './progress/reporter.ts';
export { Store } from './store.ts';
export { MonitorClient } from './container/client.ts';
export type { CommandEnd, CommandStreams } from './container/client.ts';
export { Container } from './container/container.ts';
export type { ContainerConfig, ContainerMount, NetworkMode, PortMapping } from './container/container-config.ts';
export type { ContainerState } from './container/container-state.ts';
export { ContainerStore } from './container/container-store.ts';
export { createContainer } from './container/create-container.ts';
export { readCapabilities } from './container/container-rights.ts';
export type { BindRequest, CreateOptions, TmpfsRequest, VolumeRequest } from './container/create-options.ts';
export { launchMonitor, MONITOR_WORD, runMonitor } from './container/launch.ts';
export { hasPrivateNetwork, noPrivateNetwork } from './container/network.ts';
export { members } from './container/pause.ts';
export { removeContainer } from './container/remove-container.ts';
export type { RemoveOptions } from './container/remove-container.ts';
export { checkVolumeName, VolumeStore } from './container/volumes/volume-store.ts';
export type { Volume, VolumeConfig } from './container/volumes/volume-store.ts';
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
export { removalOf } from './container/images-in-use.ts';
export { containerDocument } from './container/inspect-container.ts';
export {
  type CopyOptions,
  copyFromContainer,
  copyToContainer,
  readFromContainer,
  writeToContainer,
} from './container/files/copy.ts';
export { exportContainer } from './container/files/export-container.ts';
export { renameContainer } from './container/rename.ts';
export type { FailedRun, ShellSession } from './ops/dependencies.ts';
export { checkStore } from './store-check.ts';
export type { CheckedFinding, CheckStoreOptions, StoreCheck } from './store-check.ts';
export { listCache, pruneCache } from './store-cache.ts';
export type { PrunedCache } from './store-cache.ts';
export type { CacheEntry, CacheKind, PruneOptions } from './usage/cache-entry.ts';
