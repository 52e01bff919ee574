import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/** distribution 3: deletes by tag, writes tags by rename, pages its lists (distribution/distribution, v3.0.0). No referrers API. */
export const DIST3: Quirks = {
  ...SPECIFICATION,
  referrers: false,
  emptyTags: 'null',
};
