import { stampede } from './s01-stampede.ts';
import { warm } from './s02-warm.ts';
import { oneFile } from './s03-one-file.ts';
import { twoBranches } from './s04-two-branches.ts';
import { oneBundle } from './s05-one-bundle.ts';
import { poisoning } from './s06-poison.ts';
import { collection } from './s07-collection.ts';
import { troubles } from './s08-troubles.ts';
import { registryDies } from './s09-registry-dies.ts';
import { buildersDie } from './s10-builders-die.ts';
import { readOnly } from './s11-read-only.ts';
import { prune } from './s12-prune.ts';
import { manyRecords } from './s13-many-records.ts';
import { foreign } from './s14-foreign.ts';
import type { Scenario } from './scenario.ts';

/** All scenarios, in order. */
export const SCENARIOS: readonly Scenario[] = [
  stampede,
  warm,
  oneFile,
  twoBranches,
  oneBundle,
  poisoning,
  collection,
  troubles,
  registryDies,
  buildersDie,
  readOnly,
  prune,
  manyRecords,
  foreign,
];
