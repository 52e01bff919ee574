import { formatPlatform, normalizePlatform, type Platform } from '@tsbuild/oci';
import type { Runnable } from './runnable.ts';

/** What this process has learnt; nothing of it changes while it runs. */
const known = new Map<string, Promise<Runnable>>();

const UNKNOWN: Runnable = { kind: 'native' };

/**
 * Learns how commands of these platforms run here; each is tried once in a process. Must come before `prepareProcess`.
 * @param scratch as for `examinePlatforms`
 */
export async function learnPlatforms(platforms: readonly Platform[], scratch: string): Promise<void> {
  const fresh = platforms.map(normalizePlatform).filter((platform) => !known.has(formatPlatform(platform)));
  if (fresh.length > 0) {
    const examined = import('./runnable.ts').then(({ examinePlatforms }) => examinePlatforms(fresh, scratch));
    for (const name of fresh.map(formatPlatform)) {
      known.set(
        name,
        examined.then(({ platforms: found }) => found.get(name) ?? UNKNOWN),
      );
    }
  }
  await Promise.all(platforms.map(runnableHere));
}

/** How commands of a platform run; those of one that nobody has asked about are the machine's own. */
export async function runnableHere(platform: Platform): Promise<Runnable> {
  return (await known.get(formatPlatform(normalizePlatform(platform)))) ?? UNKNOWN;
}
