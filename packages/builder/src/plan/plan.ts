import type { ImageConfig, Platform } from '@tsbuild/oci';
import type { Instruction } from '../dockerfile/instruction.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import type { LayerOutput, Rootfs } from '../ops/rootfs.ts';
import type { StepVertex, Vertex } from '../solver/vertex.ts';
import type { RunConfig } from './run-config.ts';

/** A step of this builder: filesystems flow, layers are remembered. */
export type BuildVertex = Vertex<Rootfs, LayerOutput>;
export type BuildStep = StepVertex<Rootfs, LayerOutput>;

/** One future row of the image's history. */
export interface PlannedHistory {
  readonly createdBy: string;
  /** The step that makes the row's layer; undefined for rows without one (`empty_layer`). */
  readonly step: BuildStep | undefined;
  /** The instruction that `step` comes from. */
  readonly instruction?: Instruction;
}

/** A step with what people see of it. */
export interface NamedStep {
  readonly id: string;
  readonly name: string;
  /** The instruction as written. */
  readonly source: string;
  /** The kind of step, as its preimage names it. */
  readonly operation: string;
  readonly range: SourceRange;
}

/** A stage, lowered: everything about it that can be known before anything is executed. */
export interface PlannedStage {
  readonly label: string;
  /** Its place among the Dockerfile's stages, from 0. */
  readonly index: number;
  readonly platform: Platform;
  /** The place of the stage that it starts from, when FROM names one. */
  readonly parent?: number;
  /** The stage's filesystem. */
  readonly rootfs: BuildVertex;
  readonly steps: readonly NamedStep[];
}

/** The stage that becomes an image. */
export interface PlannedTarget extends PlannedStage {
  /** The base image's config document; undefined for scratch. History and layers of the base come from here. */
  readonly base: ImageConfig | undefined;
  readonly author: string | undefined;
  readonly config: RunConfig;
  /** New rows only, those of parent stages included. */
  readonly history: readonly PlannedHistory[];
}

/** What is to be done: the target's filesystem as a graph, and the config that goes with it. */
export interface Plan {
  readonly target: PlannedTarget;
  /** Every stage that the target needs, in Dockerfile order. */
  readonly stages: readonly PlannedStage[];
}
