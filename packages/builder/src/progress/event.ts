import type { Digest } from '@tsbuild/oci';
import type { SourceFile, SourceRange } from '../diagnostics/source-file.ts';
import type { Verification } from './verification.ts';
import type { MissReason } from './miss-reason.ts';

/**
 * Everything a build tells the outside, a closed union: plain, tty and json outputs are folds over these events.
 * Times are milliseconds since 1970, durations milliseconds, sizes bytes.
 */
export type ProgressEvent =
  | BuildStarted
  | PlanReady
  | StepStarted
  | StepWaited
  | StepCached
  | StepMissed
  | StepOutput
  | StepFinished
  | StepFailed
  | Notice
  | CheckWarning
  | Transfer
  | ImageBuilt
  | SharedCacheUsed
  | BuildVerified;

export interface BuildStarted {
  readonly type: 'build-started';
  readonly dockerfile: string;
  readonly target?: string;
}

/** The steps that the target needs, in Dockerfile order. */
export interface PlanReady {
  readonly type: 'plan-ready';
  readonly steps: readonly PlannedStep[];
}

export interface PlannedStep {
  /** Unique within the build; what the other step events refer to. */
  readonly id: string;
  /** The stage's name, or `stage-N` when it has none. */
  readonly stage: string;
  /** 1 … total within the stage. */
  readonly index: number;
  readonly total: number;
  /** The instruction, variables expanded, e.g. `COPY package*.json ./`. */
  readonly name: string;
  /** In a build for several platforms: the platform that the step is for, unless others share it. */
  readonly platform?: string;
  /** What the step runs on, where that is not what it is for: it cross-compiles. */
  readonly on?: string;
}

export interface StepStarted {
  readonly type: 'step-started';
  readonly id: string;
  readonly time: number;
}

/** The step had to wait; told only where it had to, and when that is over. */
export interface StepWaited {
  readonly type: 'step-waited';
  readonly id: string;
  /** `slot`: before it started, for other steps of the build. `process`: after that, for another build that executed the same step. */
  readonly for: 'slot' | 'process';
  readonly milliseconds: number;
}

/** The step's result came from the cache. */
export interface StepCached {
  readonly type: 'step-cached';
  readonly id: string;
  readonly key: Digest;
  /** When its record was made. */
  readonly since: number;
  /** How long the recorded execution took. */
  readonly saved: number;
  readonly layerSize: number;
  /** The shared cache that had it, when this machine had not: `registry reg.example/team/cache:main`. */
  readonly from?: string;
}

/** The step's result is not in the cache, for this reason; it is executed now. */
export interface StepMissed {
  readonly type: 'step-missed';
  readonly id: string;
  readonly key: Digest;
  readonly reason: MissReason;
}

export interface StepOutput {
  readonly type: 'step-output';
  readonly id: string;
  readonly stream: 'stdout' | 'stderr';
  /** Raw bytes of the command: not to be sent to a terminal as they are. */
  readonly chunk: Uint8Array;
}

export interface StepFinished {
  readonly type: 'step-finished';
  readonly id: string;
  readonly key: Digest;
  readonly time: number;
  readonly milliseconds: number;
  readonly layerSize: number;
}

export interface StepFailed {
  readonly type: 'step-failed';
  readonly id: string;
  readonly time: number;
  readonly message: string;
  /** It was not its own fault: another step had failed, or the build was given up. */
  readonly canceled?: boolean;
}

export interface Notice {
  readonly type: 'notice';
  readonly level: 'info' | 'warning';
  readonly message: string;
}

/** A build check that fired (docs/checks.md). It fails nothing by itself. */
export interface CheckWarning {
  readonly type: 'check-warning';
  /** The name of the check, e.g. `UndefinedVar`. */
  readonly rule: string;
  /** What the check is about. */
  readonly description: string;
  readonly url: string;
  /** What is wrong here. */
  readonly message: string;
  readonly range: SourceRange;
  /** The file of the image that it is about, where that is a single one. */
  readonly path?: string;
  /** The Dockerfile that `range` points into, and its name for people. */
  readonly source: SourceFile;
}

/** A blob on its way from or to a registry, or a file that ADD downloads; the last event of one that arrived has `done: true`. */
export interface Transfer {
  readonly type: 'transfer';
  readonly kind: 'download' | 'upload';
  /** The first twelve digits of the blob's digest, or the file's name. */
  readonly id: string;
  readonly transferred: number;
  /** 0 while the server does not say. */
  readonly total: number;
  readonly done: boolean;
  /** `exists` or `mounted from …`, for blobs that need not be sent. */
  readonly note?: string;
}

export interface ImageBuilt {
  readonly type: 'image-built';
  /** The image ID: the digest of its config; of an image for several platforms that of its index. */
  readonly id: string;
  readonly names: readonly string[];
  /** Of all platforms together. */
  readonly size: number;
  readonly milliseconds: number;
  /** The images that an index names. */
  readonly platforms?: readonly BuiltPlatform[];
}

/** The image of one platform. */
export interface BuiltPlatform {
  readonly platform: string;
  /** The image ID. */
  readonly id: string;
  /** Of its manifest. */
  readonly digest: string;
  readonly size: number;
}

/** What the shared caches did in one build, for the summary, `--metadata-file` and json events. Sizes in bytes. */
export interface CacheCounts {
  /** Steps that this machine's store had. */
  readonly local: number;
  /** Steps that a shared cache had, told by its hints, and asked for one by one. */
  readonly hints: number;
  readonly keys: number;
  /** Steps that nobody had. */
  readonly misses: number;
  /** Requests to shared caches, and the bytes of blobs from and to them. */
  readonly requests: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Layers whose bytes were fetched. */
  readonly layersFetched: number;
  /** Records written, and those that somebody else had written before. */
  readonly written: number;
  readonly adopted: number;
  /** Questions without an answer, records that could not be written, layers that were lost. */
  readonly failures: number;
  /** Records that were not written when the time was up. */
  readonly leftOut: number;
}

/** What the shared caches did, when what there was to share is written. */
interface SharedCacheUsed extends CacheCounts {
  readonly type: 'shared-cache';
}

/** What the second build of `--verify` gave, whose steps came under a second `plan-ready`. */
export interface BuildVerified extends Verification {
  readonly type: 'build-verified';
  /** Which of several; each has an event of its own. */
  readonly platform?: string;
}
