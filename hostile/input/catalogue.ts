import { CACHE_CASES } from './cache-cases.ts';
import type { HostileCase } from './case.ts';
import { CONTEXT_CASES } from './context-cases.ts';
import { COST_CASES } from './cost-cases.ts';
import { CREDENTIAL_CASES } from './credential-cases.ts';
import { LAYER_ESCAPES } from './layer-escapes.ts';
import { LAYER_LIES } from './layer-lies.ts';
import { MOUNT_CASES } from './mount-cases.ts';
import { REGISTRY_CASES } from './registry-cases.ts';

/** Every attack that is tried. */
export const CATALOGUE: readonly HostileCase[] = [
  ...LAYER_ESCAPES,
  ...LAYER_LIES,
  ...REGISTRY_CASES,
  ...CREDENTIAL_CASES,
  ...CONTEXT_CASES,
  ...MOUNT_CASES,
  ...CACHE_CASES,
  ...COST_CASES,
];
