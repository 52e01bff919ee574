import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * distribution 2.8, Debian's docker-registry.
 * - Writes a tag in place: who reads it meanwhile may get HTTP 500. Measured with 2.8.2: 90 of 2,754 reads beside 150 writes.
 * - DELETE by tag is 400 DIGEST_INVALID (distribution/distribution#3234). No referrers API. `n=` is ignored where tags are listed, and a repository
 *   without tags has `null`. Measured with 2.8.2.
 */
export const DIST2: Quirks = {
  ...SPECIFICATION,
  referrers: false,
  deletes: 'digests',
  failuresAfterMove: 1,
  emptyTags: 'null',
  pagesTags: false,
};
