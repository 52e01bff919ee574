import { readFileSync } from 'node:fs';

/** Which users and groups exist in this process's user namespace (user_namespaces(7)). */
export interface IdMaps {
  /** True in a user namespace of our own: uid 0 here is not the machine's root. */
  readonly nested: boolean;
  readonly hasUid: (uid: number) => boolean;
  readonly hasGid: (gid: number) => boolean;
  /** The largest id of all. */
  readonly lastUid: number;
  readonly lastGid: number;
  /** False when supplementary groups cannot be set (a single-id namespace). */
  readonly setgroups: boolean;
}

/** Reads the maps of this process. */
export function readIdMaps(): IdMaps {
  const uids = parseIdMap(readFileSync('/proc/self/uid_map', 'latin1'));
  const gids = parseIdMap(readFileSync('/proc/self/gid_map', 'latin1'));
  const whole = uids.length === 1 && uids[0]?.start === 0 && uids[0].outer === 0 && uids[0].count >= 0xffff_ffff;
  return {
    nested: !whole,
    hasUid: (uid) => contains(uids, uid),
    hasGid: (gid) => contains(gids, gid),
    lastUid: last(uids),
    lastGid: last(gids),
    setgroups: readFileSync('/proc/self/setgroups', 'latin1').trim() !== 'deny',
  };
}

interface IdRange {
  readonly start: number;
  readonly outer: number;
  readonly count: number;
}

/** Parses `/proc/PID/uid_map`: lines of inside, outside and count. */
function parseIdMap(text: string): readonly IdRange[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((fields) => fields.length === 3)
    .map(([start = 0, outer = 0, count = 0]) => ({ start, outer, count }));
}

function contains(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(({ start, count }) => id >= start && id < start + count);
}

function last(ranges: readonly IdRange[]): number {
  return Math.max(0, ...ranges.map(({ start, count }) => start + count - 1));
}
