import { readFileSync } from 'node:fs';

/**
 * Owners as they can be on disk. In a user namespace with one id every other owner becomes root's, and a layer that is
 * read back from disk keeps the owner that the image said.
 */
export class DiskOwners {
  readonly #uids: readonly Range[];
  readonly #gids: readonly Range[];

  /** Maps as `/proc/self/uid_map` and `gid_map` have them. */
  constructor(uidMap: string, gidMap: string) {
    this.#uids = parse(uidMap);
    this.#gids = parse(gidMap);
  }

  /** Of this process. */
  static read(): DiskOwners {
    return new DiskOwners(readFileSync('/proc/self/uid_map', 'latin1'), readFileSync('/proc/self/gid_map', 'latin1'));
  }

  /** True in a user namespace: uid 0 is not the machine's root. */
  get nested(): boolean {
    const [range] = this.#uids;
    return !(this.#uids.length === 1 && range?.start === 0 && range.count >= 0xffff_ffff);
  }

  /** The user that a file of user `uid` belongs to on disk. */
  uid(uid: number): number {
    return has(this.#uids, uid) ? uid : 0;
  }

  /** The group that a file of group `gid` belongs to on disk. */
  gid(gid: number): number {
    return has(this.#gids, gid) ? gid : 0;
  }
}

interface Range {
  readonly start: number;
  readonly count: number;
}

function parse(map: string): readonly Range[] {
  const lines = map.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return lines.flatMap(([start, , count]) => (start === undefined || count === undefined ? [] : [{ start, count }]));
}

function has(ranges: readonly Range[], id: number): boolean {
  return ranges.some(({ start, count }) => id >= start && id < start + count);
}
