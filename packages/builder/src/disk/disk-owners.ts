import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The last of the ids that images use as a rule: what a range of subordinate ids covers (subuid(5)). */
const LAST_USUAL_ID = 65_535;

let own: DiskOwners | undefined;

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

  /** Of this process, for which they never change. */
  static read(): DiskOwners {
    own ??= new DiskOwners(readFileSync('/proc/self/uid_map', 'latin1'), readFileSync('/proc/self/gid_map', 'latin1'));
    return own;
  }

  /** True in a user namespace: uid 0 is not the machine's root. */
  get nested(): boolean {
    const [range] = this.#uids;
    return !(this.#uids.length === 1 && range?.start === 0 && range.count >= 0xffff_ffff);
  }

  /**
   * The mapping in words, `uid 0:1000:1 1:100000:65536 gid …` (inside, outside, count): files that were unpacked or
   * written under another one belong to others now.
   */
  get mapping(): string {
    return `uid ${shown(this.#uids)} gid ${shown(this.#gids)}`;
  }

  /** What stands for the mapping in a file's name; empty for the machine's own ids. */
  get mappingId(): string {
    const isMachine = [this.#uids, this.#gids].every(
      ([range, ...more]) => more.length === 0 && range?.start === 0 && range.outer === 0 && range.count >= 0xffff_ffff,
    );
    return isMachine ? '' : createHash('sha256').update(this.mapping).digest('hex').slice(0, 12);
  }

  /**
   * The ids that a command finds, where some of the usual ones are missing: then it makes files of other owners, or fails.
   * Undefined where all are there, and the same command gives the same files on any machine.
   */
  get limited(): string | undefined {
    if (covers(this.#uids) && covers(this.#gids)) return undefined;
    const inside = (ranges: readonly Range[]): string =>
      ranges.map(({ start, count }) => (count === 1 ? `${start}` : `${start}-${start + count - 1}`)).join(',');
    return `uid ${inside(this.#uids)} gid ${inside(this.#gids)}`;
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
  readonly outer: number;
  readonly count: number;
}

function parse(map: string): readonly Range[] {
  const lines = map.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return lines.flatMap(([start, outer, count]) =>
    start === undefined || outer === undefined || count === undefined ? [] : [{ start, outer, count }],
  );
}

function has(ranges: readonly Range[], id: number): boolean {
  return ranges.some(({ start, count }) => id >= start && id < start + count);
}

/** True when every id up to {@link LAST_USUAL_ID} is in one of the ranges. */
function covers(ranges: readonly Range[]): boolean {
  let next = 0;
  for (const { start, count } of ranges.toSorted((a, b) => a.start - b.start)) {
    if (start <= next) next = Math.max(next, start + count);
  }
  return next > LAST_USUAL_ID;
}

function shown(ranges: readonly Range[]): string {
  return ranges.map(({ start, outer, count }) => `${start}:${outer}:${count}`).join(' ');
}
