import { tryArguments } from './arguments.ts';
import { tryIdMappings } from './id-mappings.ts';
import { tryJoins } from './joins.ts';
import type { Mode } from './modes.ts';
import { tryStrangers } from './strangers.ts';
import { trySurvivors } from './survivors.ts';
import { tryTerminalTexts } from './terminal-texts.ts';
import { tryTerminals } from './terminals.ts';

/** An attack that needs more than one command: a container and what joins it, another user of the machine, a killed builder. */
export interface Intruder {
  readonly name: string;
  /** @returns what it got at; nothing when all was closed to it */
  attempt(mode: Mode, base: string): Promise<readonly string[]>;
}

/** All of them; each is tried in every mode. */
export const INTRUDERS: readonly Intruder[] = [
  { name: 'a container looks into what joins it (CVE-2016-9962)', attempt: tryJoins },
  { name: 'a command outlives its killed tsbuild', attempt: trySurvivors },
  { name: 'another user opens the terminal of a command', attempt: tryTerminals },
  { name: 'owners of one mapping of user ids are taken for those of another', attempt: tryIdMappings },
  { name: 'another user reaches into the store (CVE-2021-41091)', attempt: tryStrangers },
  { name: 'texts of an image are obeyed by the terminal', attempt: tryTerminalTexts },
  { name: 'another user reads secrets in command lines', attempt: tryArguments },
];
