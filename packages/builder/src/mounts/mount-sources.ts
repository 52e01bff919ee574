import type { CacheMounts } from './cache-mounts.ts';
import type { Secrets } from './secrets.ts';

/** What the mounts of RUN take from outside the image. */
export interface MountSources {
  readonly caches: CacheMounts;
  readonly secrets: Secrets;
  /** Sockets of SSH agents by id, `--ssh`. */
  readonly agents: ReadonlyMap<string, string>;
}
