import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * Harbor.
 * - An index of layers was refused before goharbor/harbor#18105 (goharbor/harbor#14774).
 * - A rule for immutable tags: 412 PRECONDITION "configured as immutable" (goharbor/harbor#9427, #18792). A rule covers the
 *   tags that it matches; here all but `main` and `cache-*`.
 */
export const HARBOR: Quirks = {
  ...SPECIFICATION,
  looseIndexes: false,
  immutable: {
    status: 412,
    code: 'PRECONDITION',
    message: "Failed to process request due to 'app:1' configured as immutable.",
    except: /^(?:main$|cache-)/,
  },
};
