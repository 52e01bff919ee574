import type { Digest } from '@tsbuild/oci';
import type { ImageBuilt, PlannedStep, ProgressEvent } from '../progress/event.ts';
import type { MissReason } from '../progress/miss-reason.ts';
import type { BuildOrigins } from './build-origins.ts';

/** What became of a step in a build. Times in milliseconds since 1970, durations in milliseconds, sizes in bytes. */
export interface RecordedStep extends PlannedStep {
  /** As progress shows it: 1 … */
  readonly number: number;
  readonly state: 'waiting' | 'cached' | 'run' | 'failed';
  readonly key?: Digest;
  readonly layerSize?: number;
  /** Of a cached step: when it was executed, and how long that took. */
  readonly since?: number;
  readonly saved?: number;
  /** Of one that was executed: how long it took and why. */
  readonly milliseconds?: number;
  readonly reason?: MissReason;
}

/** The last build of an image, or the last one at all: what `tsbuild cache explain` tells. */
export interface BuildRecord {
  readonly version: 1;
  readonly started: number;
  readonly dockerfile: string;
  readonly target?: string;
  readonly steps: readonly RecordedStep[];
  /** Undefined while it runs, and when it failed. */
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

/** The record of a build as it grows with its events. */
export class BuildRecorder {
  #record: BuildRecord;

  constructor(started: number) {
    this.#record = { version: 1, started, dockerfile: '', steps: [] };
  }

  get record(): BuildRecord {
    return this.#record;
  }

  apply(event: ProgressEvent): void {
    switch (event.type) {
      case 'build-started': {
        const { dockerfile, target } = event;
        this.#record = { ...this.#record, dockerfile, ...(target === undefined ? {} : { target }) };
        return;
      }
      case 'plan-ready':
        this.#record = {
          ...this.#record,
          steps: event.steps.map((step, i) => ({ ...step, number: i + 1, state: 'waiting' })),
        };
        return;
      case 'step-missed':
        return this.#set(event.id, { key: event.key, reason: event.reason });
      case 'step-cached': {
        const { key, since, saved, layerSize } = event;
        return this.#set(event.id, { state: 'cached', key, since, saved, layerSize });
      }
      case 'step-finished': {
        const { key, milliseconds, layerSize } = event;
        return this.#set(event.id, { state: 'run', key, milliseconds, layerSize });
      }
      case 'step-failed':
        return this.#set(event.id, { state: 'failed' });
      case 'image-built': {
        const { type: _image, ...image } = event;
        this.#record = { ...this.#record, image };
        return;
      }
      default:
    }
  }

  /** All steps are done. */
  made(origins: BuildOrigins): void {
    this.#record = { ...this.#record, origins };
  }

  #set(id: string, facts: Partial<RecordedStep>): void {
    const steps = this.#record.steps.map((step) => (step.id === id ? { ...step, ...facts } : step));
    this.#record = { ...this.#record, steps };
  }
}
