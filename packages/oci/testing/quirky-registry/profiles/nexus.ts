import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * Sonatype Nexus: of two that upload one blob at the same time, the second is refused when it finishes, with 400
 * BLOB_UPLOAD_INVALID "cannot be updated", even in another repository (sonatype/nexus-public#967).
 */
export const NEXUS: Quirks = {
  ...SPECIFICATION,
  referrers: false,
  takesTwins: false,
};
