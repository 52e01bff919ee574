import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * GitHub Container Registry.
 * - DELETE is 405 UNSUPPORTED (podman-container-tools/skopeo#1880): packages are deleted through GitHub's own REST API.
 * - No referrers API: 404 (rtvkiz/minimal#7, dataaxiom/ghcr-cleanup-action#13).
 */
export const GHCR: Quirks = {
  ...SPECIFICATION,
  referrers: false,
  deletes: 'nothing',
};
