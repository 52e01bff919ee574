import type { Digest } from '@tsbuild/oci';
import type { ImageBuilt, PlannedStep } from '../progress/event.ts';
import type { MissReason } from '../progress/miss-reason.ts';
import type { BuildOrigins } from './build-origins.ts';

/** What became of a step in a build. Times in milliseconds since 1970, durations in milliseconds, sizes in bytes. */
export interface RecordedStep extends PlannedStep {
  /** As progress shows it: 1 … */
  readonly number: number;
  /** `waiting`: the build ended before it was reached. `canceled`: another step had failed, or the build was given up. */
  readonly state: 'waiting' | 'cached' | 'run' | 'failed' | 'canceled';
  /** The kind of step, as its preimage names it. */
  readonly operation?: string;
  /** The instruction as written, no variable expanded and secrets masked; of a long one the beginning. */
  readonly source?: string;
  /** Its lines in the Dockerfile, which count from 1. */
  readonly line?: number;
  readonly endLine?: number;
  /** The numbers of the steps whose results it needs. */
  readonly inputs?: readonly number[];
  readonly key?: Digest;
  readonly layerSize?: number;
  /** When it was looked at, and when that was over: also of a cached step. */
  readonly started?: number;
  readonly ended?: number;
  /** How long it waited for other steps of the build to make room, before it started. */
  readonly queued?: number;
  /** How long it then waited for another process that was executing the same step. */
  readonly locked?: number;
  /** Of a cached step: when it was executed, how long that took, and the shared cache that had it. */
  readonly since?: number;
  readonly saved?: number;
  readonly from?: string;
  /** Of one that was executed: how long it took and why. */
  readonly milliseconds?: number;
  readonly reason?: MissReason;
}

/** Something that took time and is no step. */
export interface RecordedPhase {
  /**
   * `context`: opening the context and the Dockerfile. `plan`: parsing it, and finding base images. `pull`: a download, also
   * of ADD. `image`: writing the image into the store. `export`, `load`, `push`: bringing it to an output.
   */
  readonly kind: 'context' | 'plan' | 'pull' | 'image' | 'export' | 'load' | 'push';
  /** What was downloaded, or where the image went. */
  readonly name?: string;
  readonly started: number;
  readonly ended: number;
  readonly bytes?: number;
  readonly failed?: true;
}

/** One build: what was asked for, what became of each step and when, and what came of it. */
export interface BuildRecord {
  readonly version: 2;
  /** Its name in the store; later builds have later ones, by their bytes. */
  readonly id: string;
  readonly started: number;
  /** Undefined of records of earlier versions that failed. */
  readonly ended?: number;
  readonly outcome: 'done' | 'failed' | 'canceled';
  /** Why it failed; secrets masked. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly dockerfile: string;
  /** What stands for the Dockerfile from build to build: its path, or where it comes from. */
  readonly project: string;
  readonly target?: string;
  /** The names that were asked for, as people write them. */
  readonly names: readonly string[];
  /** What it was built for. */
  readonly platforms: readonly string[];
  /** The build arguments that were given, with values as they may be shown. */
  readonly arguments: Readonly<Record<string, string>>;
  /** The program that built, and the platform of its machine. */
  readonly builder?: { readonly version: string; readonly platform: string };
  readonly steps: readonly RecordedStep[];
  readonly phases: readonly RecordedPhase[];
  /** Undefined when it failed. */
  readonly image?: {
    readonly id: string;
    readonly names: readonly string[];
    readonly size: number;
    readonly milliseconds: number;
    /** The images of several platforms. */
    readonly platforms?: ImageBuilt['platforms'];
  };
  /** Which steps made the layers; earlier versions did not record it. */
  readonly origins?: BuildOrigins;
}
