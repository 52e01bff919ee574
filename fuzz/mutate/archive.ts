import { createHash } from 'node:crypto';
import { BLOCK_SIZE, readString, writeString } from '../../packages/oci/src/tar/block.ts';
import { readNumber, writeOctal } from '../../packages/oci/src/tar/tar-number.ts';
import type { Mutator } from '../target.ts';
import { mutateJson } from './json.ts';
import { changedHeader, joinArchive, mutateTar, splitArchive } from './tar.ts';
import type { Member } from './tar.ts';

const BLOB = /^blobs\/sha256\/([0-9a-f]{64})$/;
const NAMES = [
  ['Config', 'RepoTags', 'Layers', 'manifests', 'layers', 'config', 'digest', 'size', 'mediaType', 'annotations'],
  ['rootfs', 'diff_ids', 'history', 'empty_layer', 'schemaVersion', '__proto__', 'constructor', 'platform', 'os'],
].flat();

/**
 * Changes to an archive of images: to the tar around it, or to one of its documents. Digests and sizes in all the others
 * are then mostly made right, so that the change is not just a wrong digest.
 */
export const mutateArchive: Mutator = (input, random, corpus) => {
  if (random.oneIn(3)) return mutateTar(input, random, corpus);
  const { members, rest } = splitArchive(input);
  const documents = members.flatMap((member, at) => (isDocument(member) ? [at] : []));
  const at = documents[random.below(documents.length)];
  const member = at === undefined ? undefined : members[at];
  if (at === undefined || member === undefined) return mutateTar(input, random, corpus);
  const others = documents.map((other) => contentOf(members[other] ?? member));
  members[at] = withContent(member, mutateJson(NAMES)(contentOf(member), random, others));
  return joinArchive(random.oneIn(4) ? members : consistent(members), rest);
};

/** Renames blobs to what their content is, and puts the new digests and sizes where the old ones stand. */
function consistent(members: readonly Member[]): readonly Member[] {
  let current = members;
  for (let rounds = 0; rounds < 6; rounds++) {
    const wrong = current.find(
      (member) => digestNamed(member) !== undefined && digestNamed(member) !== digestOf(member),
    );
    if (wrong === undefined) return current;
    const [before, after] = [digestNamed(wrong) ?? '', digestOf(wrong)];
    const size = contentOf(wrong).length;
    current = current.map((member) => {
      if (member === wrong) return renamed(member, `blobs/sha256/${after}`);
      return isDocument(member) ? withContent(member, referring(contentOf(member), before, after, size)) : member;
    });
  }
  return current;
}

function referring(document: Uint8Array, before: string, after: string, size: number): Uint8Array {
  const text = Buffer.from(document).toString('utf8');
  if (!text.includes(before)) return document;
  return Buffer.from(
    text
      .replace(/\{[^{}]*\}/g, (object) =>
        object.includes(before) ? object.replace(/"size":\d+/, `"size":${size}`) : object,
      )
      .replaceAll(before, after),
  );
}

function isDocument(member: Member): boolean {
  return member.content[0] === 0x7b || member.content[0] === 0x5b;
}

function digestNamed({ header }: Member): string | undefined {
  return BLOB.exec(readString(header, 0, 100))?.[1];
}

function digestOf(member: Member): string {
  return createHash('sha256').update(contentOf(member)).digest('hex');
}

function contentOf({ header, content }: Member): Uint8Array {
  return content.subarray(0, readNumber(header, 124, 12, 'size'));
}

function withContent({ header }: Member, content: Uint8Array): Member {
  const padded = new Uint8Array(Math.ceil(content.length / BLOCK_SIZE) * BLOCK_SIZE);
  padded.set(content);
  return { header: changedHeader(header, (block) => writeOctal(block, 124, 12, content.length)), content: padded };
}

function renamed({ header, content }: Member, name: string): Member {
  const change = (block: Uint8Array): void => {
    block.fill(0, 0, 100);
    writeString(block, 0, name);
  };
  return { header: changedHeader(header, change), content };
}
