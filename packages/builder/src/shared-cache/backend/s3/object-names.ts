import { type Digest, digestHex, isDigest } from '@tsbuild/oci';

/** The name of the hints where nobody gives one. */
const DEFAULT_NAME = 'tsbuild';

/** Where in a bucket things lie: `records/<key>.json`, `bundles/<name>`, `blobs/sha256/<hex>`, below the spec's prefixes. */
export class ObjectNames {
  readonly prefix: string;
  /** What the keys of all records begin with. */
  readonly records: string;
  /** The hints' objects; the first is the one that is read. */
  readonly hints: readonly string[];
  readonly #blobs: string;

  constructor(attributes: ReadonlyMap<string, string>) {
    this.prefix = attributes.get('prefix') ?? '';
    const documents = `${this.prefix}${attributes.get('manifests_prefix') ?? ''}`;
    this.records = `${documents}records/`;
    this.#blobs = `${this.prefix}${attributes.get('blobs_prefix') ?? 'blobs/'}`;
    const names = (attributes.get('name') ?? DEFAULT_NAME).split(';').filter((name) => name !== '');
    this.hints = (names.length === 0 ? [DEFAULT_NAME] : names).map((name) => `${documents}bundles/${name}`);
  }

  record(key: Digest): string {
    return `${this.records}${digestHex(key)}.json`;
  }

  /** The key of a record by its object's name; undefined when it is something else. */
  keyOf(name: string): Digest | undefined {
    const hex = /([0-9a-f]{64})\.json$/.exec(name)?.[1];
    const digest = `sha256:${hex ?? ''}`;
    return isDigest(digest) && name === this.record(digest) ? digest : undefined;
  }

  blob(digest: Digest): string {
    return `${this.#blobs}${digest.replace(':', '/')}`;
  }
}
