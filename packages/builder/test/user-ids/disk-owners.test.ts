import { describe, expect, it } from 'vitest';
import { parseSnapshotName, snapshotName } from '../../src/snapshot/snapshot-name.ts';
import { DiskOwners } from '../../src/disk/disk-owners.ts';

const owners = (map: string): DiskOwners => new DiskOwners(map, map);

const MACHINE = owners('         0          0 4294967295\n');
const SINGLE = owners('         0       1000          1\n');
const RANGE = owners('         0       1000          1\n         1     100000      65536\n');
const MOVED = owners('         0       1000          1\n         1     300000      65536\n');

describe('a mapping of ids', () => {
  it('of the machine itself, or with a range, has all the usual ids', () => {
    for (const each of [MACHINE, RANGE, MOVED]) expect(each.limited).toBeUndefined();
    expect(owners('0 1000 1\n1 100000 65535').limited).toBeUndefined();
  });

  it('that lacks some says which there are', () => {
    expect(SINGLE.limited).toBe('uid 0 gid 0');
    expect(owners('0 1000 1\n1 100000 65534').limited).toBe('uid 0,1-65534 gid 0,1-65534');
    expect(owners('0 1000 1\n2 100000 65536').limited).toBe('uid 0,2-65537 gid 0,2-65537');
    expect(new DiskOwners('0 0 4294967295', '0 1000 1').limited).toBe('uid 0-4294967294 gid 0');
  });

  it('has a name of its own on the disk, and the machine none', () => {
    expect(MACHINE.mappingId).toBe('');
    expect(new Set([SINGLE, RANGE, MOVED].map(({ mappingId }) => mappingId)).size).toBe(3);
    expect(RANGE.mapping).toBe('uid 0:1000:1 1:100000:65536 gid 0:1000:1 1:100000:65536');
  });

  it('is in the name of an unpacked layer', () => {
    const hex = 'ab'.repeat(32);
    expect(snapshotName(`sha256:${hex}`, false, MACHINE.mappingId)).toBe(hex);
    const name = snapshotName(`sha256:${hex}`, true, SINGLE.mappingId);
    expect(name).toBe(`chain-${hex}.${SINGLE.mappingId}`);
    expect(parseSnapshotName(name)).toEqual({ hex, isChain: true, content: `chain-${hex}` });
    expect(parseSnapshotName(`${hex}.machine`)).toEqual({ hex, isChain: false, content: hex });
    expect(parseSnapshotName(`.${hex}`)).toBeUndefined();
  });
});
