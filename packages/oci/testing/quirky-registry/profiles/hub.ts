import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * Docker Hub.
 * - Reading a manifest by GET counts as a pull, HEAD is free; 429 with TOOMANYREQUESTS when the budget is spent (Docker
 *   docs, "Usage and limits").
 * - No referrers API (docker/roadmap#724). DELETE is 405 UNSUPPORTED (genuinetools/reg#143): Hub has an API of its own.
 */
export const HUB: Quirks = {
  ...SPECIFICATION,
  referrers: false,
  deletes: 'nothing',
  pulls: 3,
};
