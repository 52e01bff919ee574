import { tryJoins } from './joins.ts';
import type { Mode } from './modes.ts';

/** An attack that needs more than one command: a container and what joins it, another user of the machine, a killed builder. */
export interface Intruder {
  readonly name: string;
  /** @returns what it got at; nothing when all was closed to it */
  attempt(mode: Mode, base: string): Promise<readonly string[]>;
}

/** All of them; each is tried in every mode. */
export const INTRUDERS: readonly Intruder[] = [{ name: 'a container looks into what joins it', attempt: tryJoins }];
