import { missingForChroot } from '../capabilities.ts';
import { readIdMaps } from '../id-map.ts';
import { missingForRanges } from '../subordinate-ids.ts';
import { sharesProc, type Trial } from './machine-modes.ts';

/** What a container may do, in the levels of docs/ci.md. */
export interface PodLevel {
  /** 0 to 3; undefined for root of the machine itself, as in a privileged container. */
  readonly level: 0 | 1 | 2 | 3 | undefined;
  readonly name: string;
  /** What can be built. */
  readonly allows: string;
  /** What is missing for this level as it could be, or for a RUN in a sandbox. */
  readonly missing: readonly string[];
}

/** The level of this process, by what was tried. */
export function podLevel(tried: Trial, isRoot: boolean): PodLevel {
  const { nested } = readIdMaps();
  const masked = sharesProc(tried) ? ['a /proc without masks (procMount: Unmasked): RUN sees the processes here'] : [];
  if (tried.namespaces && isRoot && !nested) {
    return { level: undefined, name: 'root of the machine, or privileged', allows: 'everything', missing: [] };
  }
  if (tried.namespaces && isRoot) {
    return { level: 3, name: 'root of a user namespace, with CAP_SYS_ADMIN', allows: 'everything', missing: masked };
  }
  if (tried.namespaces) {
    const ranges = missingForRanges();
    return {
      level: 2,
      name: 'a user with user namespaces',
      allows: 'everything; RUN in a sandbox',
      missing: [...(ranges === undefined ? [] : [ranges]), ...masked],
    };
  }
  const sandbox = 'for RUN in a sandbox: hostUsers: false and CAP_SYS_ADMIN (tsbuild doctor --pod), or user namespaces';
  const rights = isRoot ? missingForChroot() : ['root (runAsUser: 0)'];
  if (rights.length === 0) {
    return {
      level: 1,
      name: "root with a container's default capabilities",
      allows: 'everything but RUN; RUN with --isolation chroot, which is no sandbox; RUN steps that are in the cache',
      missing: [sandbox],
    };
  }
  return {
    level: 0,
    name: 'restricted',
    allows: 'everything but RUN; RUN steps that are in the cache',
    missing: [`for --isolation chroot (no sandbox): ${rights.join(', ')}`, sandbox],
  };
}
