import { BLOCK_SIZE, writeString } from '../../packages/oci/src/tar/block.ts';
import { decodeHeader, writeChecksum } from '../../packages/oci/src/tar/header.ts';
import { writeBase256, writeOctal } from '../../packages/oci/src/tar/tar-number.ts';
import { makeTar, paxHeader } from '../../packages/oci/testing/make-tar.ts';
import type { Random } from '../random.ts';
import type { Mutator } from '../target.ts';
import { mutateBytes } from './bytes.ts';

/** One member as it lies in the archive: header and padded content. */
export interface Member {
  readonly header: Uint8Array;
  readonly content: Uint8Array;
}

const NAMES = [
  ['a', 'a/', 'a/b', './a', '/a', '../a', 'a/../b', 'a//b', '.', '/', '..', '', ' ', 'a\0b', 'a\nb', '\xff\xfe'],
  ['.wh.a', '.wh..wh..opq', 'a/.wh..wh..opq', '.wh.', '.wh..', '.wh..wh.plnk', 'a/.wh.b', 'é', 'x'.repeat(100)],
  ['d/'.repeat(49), 'etc/passwd', 'manifest.json', 'index.json', 'oci-layout', '././@LongLink'],
].flat();
const TYPES = ['0', '1', '2', '3', '4', '5', '6', '7', 'x', 'g', 'L', 'K', 'S', 'V', 'D', '\0', 'A', ' '];
const NUMBERS = [0, 1, 7, 8, 511, 512, 513, 1023, 4096, 2 ** 21, 2 ** 31, 2 ** 32 - 1, 2 ** 33, 2 ** 53 - 1];
const RAW_NUMBERS = [
  '',
  ' ',
  '        ',
  '-1',
  '0x1f',
  '777 777',
  '\x80',
  '\xff'.repeat(12),
  '\x80\x7f',
  '7'.repeat(12),
];
const PAX: readonly Readonly<Record<string, string>>[] = [
  { path: '../x' },
  { path: 'a/b/c' },
  { path: '\xff\xfe' },
  { path: `${'long/'.repeat(80)}x` },
  { path: `${'d/'.repeat(1500)}x` },
  { linkpath: 'a' },
  { linkpath: '/etc/passwd' },
  { size: '0' },
  { size: '512' },
  { size: '99999999999' },
  { size: '-1' },
  { mtime: '-1.5' },
  { mtime: '1e9' },
  { mtime: '9007199254740991.999999999' },
  { uid: '4294967295', gid: '4294967296' },
  { 'SCHILY.xattr.user.a': 'b' },
  { 'SCHILY.xattr.trusted.overlay.opaque': 'y' },
  { 'SCHILY.xattr.': 'x' },
  { 'GNU.sparse.major': '1' },
  { path: 'a\0b' },
  { path: '' },
];

/** A field of the header: where, how long, a number or not. */
const FIELDS = [
  { at: 0, length: 100 },
  { at: 157, length: 100 },
  { at: 345, length: 155 },
  { at: 100, length: 8, number: true },
  { at: 108, length: 8, number: true },
  { at: 116, length: 8, number: true },
  { at: 124, length: 12, number: true },
  { at: 136, length: 12, number: true },
  { at: 329, length: 8, number: true },
  { at: 337, length: 8, number: true },
] as const;

/** Changes to a tar archive that know members and header fields, checksums made right again; every fourth time blind ones. */
export const mutateTar: Mutator = (input, random, corpus) => {
  if (random.oneIn(4)) return mutateBytes(input, random, corpus);
  const { members, rest } = splitArchive(input);
  const others = splitArchive(random.pick(corpus)).members;
  for (let left = 1 + random.below(4); left > 0; left--) mutateMembers(members, others, random);
  return joinArchive(members, rest);
};

/** Cuts an archive into members as far as its headers make sense. */
export function splitArchive(bytes: Uint8Array): { readonly members: Member[]; readonly rest: Uint8Array } {
  const members: Member[] = [];
  let at = 0;
  while (at + BLOCK_SIZE <= bytes.length && bytes[at] !== 0) {
    const size = sizeAt(bytes, at);
    if (size === undefined) break;
    const end = at + BLOCK_SIZE + Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE;
    members.push({ header: bytes.subarray(at, at + BLOCK_SIZE), content: bytes.subarray(at + BLOCK_SIZE, end) });
    at = Math.min(end, bytes.length);
  }
  return { members, rest: bytes.subarray(at) };
}

export function joinArchive(members: readonly Member[], rest: Uint8Array): Uint8Array {
  return Buffer.concat([...members.flatMap(({ header, content }) => [header, content]), rest]);
}

/** The header with some bytes changed and the checksum made right. */
export function changedHeader(header: Uint8Array, change: (block: Uint8Array) => void): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  block.set(header.subarray(0, BLOCK_SIZE));
  change(block);
  writeChecksum(block, 0);
  return block;
}

function sizeAt(bytes: Uint8Array, at: number): number | undefined {
  try {
    const { size, typeFlag } = decodeHeader(bytes, at);
    return '123456'.includes(typeFlag) ? 0 : size;
  } catch {
    return undefined;
  }
}

function mutateMembers(members: Member[], others: readonly Member[], random: Random): void {
  const at = random.below(members.length);
  const member = members[at];
  if (member === undefined || (others.length > 0 && random.oneIn(8))) {
    if (others.length > 0) members.splice(at, 0, random.pick(others));
    return;
  }
  switch (random.below(9)) {
    case 0:
      members.splice(at, 1);
      break;
    case 1:
      members.splice(random.below(members.length + 1), 0, member);
      break;
    case 2:
      members.splice(at, 1);
      members.splice(random.below(members.length + 1), 0, member);
      break;
    case 3:
      members.splice(
        at,
        0,
        ...splitArchive(makeTar([paxHeader(random.pick(PAX), random.oneIn(6) ? 'g' : 'x')])).members,
      );
      break;
    case 4:
      members[at] = { ...member, content: mutateBytes(member.content, random, [member.content]) };
      break;
    case 5:
      members[at] = { ...member, header: changedHeader(member.header, (block) => mutateType(block, random)) };
      break;
    default:
      members[at] = { ...member, header: changedHeader(member.header, (block) => mutateField(block, random)) };
  }
}

function mutateType(block: Uint8Array, random: Random): void {
  if (random.oneIn(5))
    writeString(block, 257, random.pick(['ustar\x0000', 'ustar  \0', '\0\0\0\0\0\0\0\0', 'ustar\x0001']));
  else writeString(block, 156, random.pick(TYPES));
}

function mutateField(block: Uint8Array, random: Random): void {
  const field = random.pick(FIELDS);
  const { at, length } = field;
  if (!('number' in field)) {
    const full = random.oneIn(8);
    block.fill(full ? 0x61 : 0, at, at + length);
    if (!full) writeString(block, at, random.pick(NAMES).slice(0, length));
    return;
  }
  const value = random.pick(NUMBERS);
  if (random.oneIn(3)) writeString(block, at, random.pick(RAW_NUMBERS).slice(0, length));
  else if (value >= 8 ** (length - 1) || random.oneIn(4))
    writeBase256(block, at, length, random.oneIn(4) ? -value : value);
  else writeOctal(block, at, length, value);
}
