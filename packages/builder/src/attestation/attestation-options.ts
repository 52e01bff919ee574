import type { AttestationForm } from '@tsbuild/oci';

/** How much a provenance tells. */
export interface ProvenanceOptions {
  /**
   * `min`: what the image was made from; of arguments and labels the names alone. `max`: their values, too, as far as they are
   * no secrets, and every step with the preimage of its key.
   */
  readonly mode: 'min' | 'max';
  /** A URI that says who runs the build: of a CI system the job. */
  readonly builderId?: string;
}

/** What is attested of an image. */
export interface AttestationOptions {
  readonly provenance?: ProvenanceOptions;
  /** A bill of materials: the packages of the image, and which instruction brought each. */
  readonly sbom?: boolean;
  /** `artifact` unless told; `image` for registries that know no artifacts. */
  readonly form?: AttestationForm;
  /** The program that statements name as their author. */
  readonly tool?: ToolVersion;
}

/** A program with its version. */
export interface ToolVersion {
  readonly name: string;
  readonly version: string;
}

/** Whether anything is. */
export function isAttested(options: AttestationOptions | undefined): options is AttestationOptions {
  return options?.provenance !== undefined || options?.sbom === true;
}
