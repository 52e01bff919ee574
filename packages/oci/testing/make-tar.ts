import { BLOCK_SIZE, writeString } from '../src/tar/block.ts';
import { writeChecksum } from '../src/tar/header.ts';
import { fitsOctal, writeBase256, writeOctal } from '../src/tar/tar-number.ts';

/** One member of an archive, put together field by field: nothing is checked, so that hostile archives can be made. */
export interface RawMember {
  readonly name: string;
  /** The type flag; `'0'` (a file) unless told. */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  /** What the header says of the size; the content's length unless told. */
  readonly size?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly linkName?: string;
  readonly prefix?: string;
  readonly devMajor?: number;
  readonly devMinor?: number;
  readonly format?: 'ustar' | 'gnu' | 'v7';
  /** Written over the finished block, before the checksum: field position → raw bytes. */
  readonly raw?: Readonly<Record<number, string>>;
  /** Written over the finished block, after the checksum. */
  readonly broken?: Readonly<Record<number, string>>;
}

/** An archive of `members`, with the two zero blocks at its end unless `end` is false. */
export function makeTar(members: readonly RawMember[], { end = true }: { readonly end?: boolean } = {}): Uint8Array {
  const blocks = members.flatMap((member) => [headerBlock(member), paddedContent(member)]);
  return new Uint8Array(Buffer.concat(end ? [...blocks, new Uint8Array(2 * BLOCK_SIZE)] : blocks));
}

/** A PAX extended header for the next member. Values may be raw bytes. */
export function paxHeader(records: Readonly<Record<string, string | Uint8Array>>, type = 'x'): RawMember {
  const content = Object.entries(records).map(([key, value]) => paxRecord(key, value));
  return { name: 'PaxHeaders/x', type, content: Buffer.concat(content) };
}

/** A GNU long name (`L`) or long link target (`K`) for the next member. */
export function gnuLong(type: 'L' | 'K', name: string): RawMember {
  return { name: '././@LongLink', type, content: Buffer.from(`${name}\0`, 'latin1'), format: 'gnu' };
}

/** `bytes` as a stream of chunks of `size` bytes. */
export async function* chunked(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), toBytes(value), Buffer.from('\n')]);
  let length = body.length;
  while (length !== body.length + String(length).length) length = body.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function headerBlock(member: RawMember): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const number = (at: number, length: number, value: number) =>
    fitsOctal(value, length) ? writeOctal(block, at, length, value) : writeBase256(block, at, length, value);
  writeString(block, 0, member.name);
  number(100, 8, member.mode ?? 0o644);
  number(108, 8, member.uid ?? 0);
  number(116, 8, member.gid ?? 0);
  number(124, 12, member.size ?? toBytes(member.content ?? '').length);
  number(136, 12, member.mtime ?? 0);
  writeString(block, 156, member.type ?? '0');
  writeString(block, 157, member.linkName ?? '');
  if (member.format !== 'v7') {
    writeString(block, 257, member.format === 'gnu' ? 'ustar  \0' : 'ustar\x0000');
    number(329, 8, member.devMajor ?? 0);
    number(337, 8, member.devMinor ?? 0);
    writeString(block, 345, member.prefix ?? '');
  }
  for (const [at, bytes] of Object.entries(member.raw ?? {})) writeString(block, Number(at), bytes);
  writeChecksum(block, 0);
  for (const [at, bytes] of Object.entries(member.broken ?? {})) writeString(block, Number(at), bytes);
  return block;
}

function paddedContent(member: RawMember): Uint8Array {
  const content = toBytes(member.content ?? '');
  const padded = new Uint8Array(Math.ceil(content.length / BLOCK_SIZE) * BLOCK_SIZE);
  padded.set(content);
  return padded;
}

function toBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
}
