import { IMAGE_CONFIGS, IMAGE_LAYERS, SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';

/**
 * GitLab: 400 MANIFEST_INVALID "unknown media type" for configs, layers and artifact types that it does not know
 * (grimoire-rs/grimoire#11, fluxcd/flux2#3724). No referrers API.
 */
export const GITLAB: Quirks = {
  ...SPECIFICATION,
  referrers: false,
  configTypes: IMAGE_CONFIGS,
  otherTypes: IMAGE_LAYERS,
};
