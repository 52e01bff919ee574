import { randomInt } from 'node:crypto';

const ADJECTIVES = ['able', 'brave', 'bright', 'calm', 'clever', 'eager', 'fair', 'fast', 'gentle', 'glad', 'keen', 'kind', 'lively',
  'lucid', 'merry', 'neat', 'noble', 'patient', 'plain', 'proud', 'quick', 'quiet', 'sharp', 'steady', 'sunny', 'swift',
  'tidy', 'true', 'vivid', 'warm', 'wise', 'young']; // biome-ignore format: one list
const THINGS = ['anchor', 'barge', 'beacon', 'bollard', 'buoy', 'canal', 'capstan', 'cargo', 'compass', 'crane', 'deck', 'dinghy',
  'ferry', 'galley', 'harbor', 'helm', 'hull', 'jetty', 'keel', 'lantern', 'lock', 'mast', 'oar', 'pier', 'pilot',
  'quay', 'rudder', 'sail', 'schooner', 'tide', 'tug', 'wharf']; // biome-ignore format: one list

/** A name for a container that nobody named. */
export function randomName(): string {
  return `${pick(ADJECTIVES)}_${pick(THINGS)}`;
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? '';
}
