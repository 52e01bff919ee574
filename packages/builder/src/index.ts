export { build } from './build.ts';
export { exportCacheMount, importCacheMount } from './cache-mount-archive.ts';
export type { CacheMountName } from './cache-mount-archive.ts';
export { pullImage } from './pull.ts';
export type { PullOptions, PullResult } from './pull.ts';
export { pushImage } from './push.ts';
export type { PushOptions, PushResult } from './push.ts';
export type { BuildOptions, BuildResult, ContextOrigin, HostEntry } from './build-options.ts';
export type { SourceFile, SourceRange } from './dockerfile/source-file.ts';
export { BuildError } from './errors.ts';
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
  ImageBuilt,
  Notice,
  PlannedStep,
  PlanReady,
  ProgressEvent,
  StepCached,
  StepFailed,
  StepFinished,
  StepOutput,
  StepStarted,
  Transfer,
} from './progress/event.ts';
export { parseSize } from './plan/size.ts';
export { silentReporter } from './progress/reporter.ts';
export type { ProgressReporter } from './progress/reporter.ts';
export { Store } from './store.ts';
