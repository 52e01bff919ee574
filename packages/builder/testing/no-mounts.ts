import { CacheMounts } from '../src/mounts/cache-mounts.ts';
import type { MountSources } from '../src/mounts/mount-sources.ts';
import { Secrets } from '../src/mounts/secrets.ts';

/** The mount sources of a build that was given none, and whose cache mounts must not be touched. */
export function noMounts(): MountSources {
  return { caches: new CacheMounts('/nonexistent'), secrets: new Secrets(new Map(), {}), agents: new Map() };
}
