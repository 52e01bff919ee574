import type { Digest } from '@tsbuild/oci';
import type { KeyPreimage } from '../cache/cache-key.ts';
import type { StepOrigin } from '../cache/step-origin.ts';
import type { MissReason } from '../progress/miss-reason.ts';

/** A step that no record was found for. */
export interface Miss {
  readonly id: string;
  readonly key: Digest;
  readonly preimage: KeyPreimage;
  readonly origin: StepOrigin | undefined;
}

/** Tells why a step must be executed, before it is. Never rejects. */
export interface MissExplainer {
  explain(miss: Miss): Promise<MissReason>;
}
