import { IMAGE_CONFIGS, SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * Red Hat Quay: only config types of a list may be stored (ALLOWED_OCI_ARTIFACT_TYPES), unless IGNORE_UNKNOWN_MEDIATYPES
 * is set (oras-project/oras#738, quay/quay#1750).
 */
export const QUAY: Quirks = {
  ...SPECIFICATION,
  configTypes: IMAGE_CONFIGS,
};
