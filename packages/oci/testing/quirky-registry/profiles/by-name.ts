import { SPECIFICATION } from '../quirks.ts';
import type { Quirks } from '../quirks.ts';
import { DIST2 } from './dist2.ts';
import { DIST3 } from './dist3.ts';
import { ECR } from './ecr.ts';
import { GAR } from './gar.ts';
import { GHCR } from './ghcr.ts';
import { GITLAB } from './gitlab.ts';
import { HARBOR } from './harbor.ts';
import { HUB } from './hub.ts';
import { NEXUS } from './nexus.ts';
import { QUAY } from './quay.ts';

/** Registries that people use, by what their documentation and their users' reports say of them: see the file of each. */
export const PROFILES = {
  specification: SPECIFICATION,
  ecr: ECR,
  gar: GAR,
  ghcr: GHCR,
  hub: HUB,
  gitlab: GITLAB,
  nexus: NEXUS,
  quay: QUAY,
  harbor: HARBOR,
  dist2: DIST2,
  dist3: DIST3,
} as const satisfies Readonly<Record<string, Quirks>>;

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES;
