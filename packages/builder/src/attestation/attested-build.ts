import type { Descriptor, Digest, ImageConfig, Reference } from '@tsbuild/oci';
import type { LayerOutput } from '../ops/rootfs.ts';
import type { BuildPlan } from '../plan/platforms/build-plan.ts';
import type { StepResult } from '../solver/vertex.ts';
import type { Store } from '../store/store.ts';
import type { AttestationOptions } from './attestation-options.ts';
import type { Material } from './material.ts';

/** What a build was asked for. Nothing in it is this machine's: no absolute path, no user. */
export interface BuildRequest {
  readonly dockerfile: { readonly path: string; readonly text: string };
  /** `local` for a directory, `stream` for an archive that was piped in; else its URL, without credentials. */
  readonly context: string;
  readonly target?: string;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  /** Ids alone: a value is never looked at. */
  readonly secrets: readonly string[];
  readonly ssh: readonly string[];
  /** Named contexts, with `local` for a directory. */
  readonly contexts: ReadonlyMap<string, string>;
  readonly network: string;
  /** SOURCE_DATE_EPOCH, seconds. */
  readonly epoch?: number;
}

/** An image before it is stored. */
export interface AttestedImage {
  readonly manifest: Descriptor;
  /** The digest of its config. */
  readonly id: Digest;
  readonly config: ImageConfig;
}

/** A build whose steps are done, as statements tell of it. */
export interface AttestedBuild {
  readonly options: AttestationOptions;
  readonly request: BuildRequest;
  readonly plan: BuildPlan;
  readonly results: ReadonlyMap<string, StepResult<LayerOutput>>;
  readonly materials: readonly Material[];
  /** Each platform's. */
  readonly images: readonly AttestedImage[];
  readonly names: readonly Reference[];
  /** Of each platform: a second build without the cache gave the same image. */
  readonly reproduced: readonly boolean[];
  readonly store: Store;
  readonly signal: AbortSignal;
}
