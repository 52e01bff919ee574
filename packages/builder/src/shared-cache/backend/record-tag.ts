import { type Digest, digestHex, isDigest } from '@tsbuild/oci';

/** Of names of records; the number is the layout's version. */
const PREFIX = 'k1-';

/** The name that the record of a key has where names are tags: 67 characters of the 128 that a tag may have. */
export function recordTag(key: Digest): string {
  return `${PREFIX}${digestHex(key)}`;
}

/** The key of a record by its name; undefined when it is another thing's name. */
export function keyOfTag(tag: string): Digest | undefined {
  if (!tag.startsWith(PREFIX)) return undefined;
  const digest = `sha256:${tag.slice(PREFIX.length)}`;
  return isDigest(digest) ? digest : undefined;
}
