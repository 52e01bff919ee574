import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/** Google Artifact Registry: chunked uploads are not supported (its documentation, "Known issues"). */
export const GAR: Quirks = {
  ...SPECIFICATION,
  chunks: 'one',
};
