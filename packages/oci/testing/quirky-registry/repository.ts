import { digestOf, Refusal } from './answer.ts';
import type { Answer } from './answer.ts';
import type { Quirks } from './quirks.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';

/** A manifest or index as it was sent. */
export interface StoredManifest {
  readonly bytes: Buffer;
  readonly type: string;
}

interface Entry {
  readonly mediaType?: string;
  readonly digest: string;
}

/** What is looked at of a manifest or index. */
interface Document {
  readonly artifactType?: string;
  readonly config?: Entry;
  readonly layers?: readonly Entry[];
  readonly manifests?: readonly Entry[];
  readonly subject?: Entry;
  readonly annotations?: object;
}

/** One repository of a registry in memory. */
export class Repository {
  readonly blobs = new Map<string, Buffer>();
  readonly tags = new Map<string, string>();
  readonly manifests = new Map<string, StoredManifest>();
  readonly #quirks: Quirks;
  readonly #failing = new Map<string, number>();

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  blob(digest: string): Answer {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) throw new Refusal(404, 'BLOB_UNKNOWN');
    return { status: 200, headers: { 'Content-Length': bytes.length }, body: bytes };
  }

  manifest(name: string): StoredManifest {
    const failures = this.#failing.get(name) ?? 0;
    if (failures > 0) {
      this.#failing.set(name, failures - 1);
      throw new Refusal(500, 'UNKNOWN');
    }
    const found = this.manifests.get(this.tags.get(name) ?? name);
    if (found === undefined) throw new Refusal(404, 'MANIFEST_UNKNOWN');
    return found;
  }

  putManifest(name: string, bytes: Buffer, type: string): Answer {
    if (bytes.length > this.#quirks.manifestLimit) throw new Refusal(400, 'MANIFEST_INVALID');
    const document = JSON.parse(bytes.toString()) as Document;
    this.#check(document);
    const digest = digestOf(bytes);
    if (name.includes(':')) {
      if (name !== digest) throw new Refusal(400, 'DIGEST_INVALID');
    } else this.#tag(name, digest);
    this.manifests.set(digest, { bytes, type });
    const subject = this.#quirks.referrers ? document.subject?.digest : undefined;
    const headers = { 'Docker-Content-Digest': digest, ...(subject !== undefined && { 'OCI-Subject': subject }) };
    return { status: 201, headers };
  }

  #check({ artifactType, config, layers = [], manifests = [] }: Document): void {
    const { configTypes, otherTypes } = this.#quirks;
    const isKnown =
      (config === undefined || configTypes.test(config.mediaType ?? '')) &&
      (artifactType === undefined || otherTypes.test(artifactType)) &&
      layers.every(({ mediaType }) => otherTypes.test(mediaType ?? ''));
    if (!isKnown) throw new Refusal(400, 'MANIFEST_INVALID');
    const blobs = [...(config === undefined ? [] : [config]), ...layers];
    if (blobs.some(({ digest }) => !this.blobs.has(digest))) throw new Refusal(400, 'MANIFEST_BLOB_UNKNOWN');
    for (const { digest } of manifests) {
      if (this.manifests.has(digest) || (this.#quirks.looseIndexes && this.blobs.has(digest))) continue;
      throw new Refusal(400, this.blobs.has(digest) ? 'MANIFEST_INVALID' : 'MANIFEST_BLOB_UNKNOWN');
    }
  }

  #tag(tag: string, digest: string): void {
    const old = this.tags.get(tag);
    if (old !== undefined && old !== digest) {
      const { immutable } = this.#quirks;
      if (immutable !== undefined && immutable.except?.test(tag) !== true)
        throw new Refusal(immutable.status, immutable.code, immutable.message);
      this.#failing.set(tag, this.#quirks.failuresAfterMove);
    }
    this.tags.set(tag, digest);
  }

  deleteManifest(name: string): Answer {
    const { deletes } = this.#quirks;
    if (deletes === 'nothing') throw new Refusal(405, 'UNSUPPORTED');
    if (!name.includes(':')) {
      if (deletes === 'digests') throw new Refusal(400, 'DIGEST_INVALID');
      if (!this.tags.delete(name)) throw new Refusal(404, 'MANIFEST_UNKNOWN');
      return { status: 202 };
    }
    if (!this.manifests.delete(name)) throw new Refusal(404, 'MANIFEST_UNKNOWN');
    for (const [tag, digest] of this.tags) if (digest === name) this.tags.delete(tag);
    return { status: 202 };
  }

  /** The tags after `last`, at most `n` of them where the registry heeds that, with a link to the next page. */
  tagList(name: string, query: URLSearchParams): Answer {
    const all = [...this.tags.keys()].toSorted();
    const headers = { 'Content-Type': 'application/json' };
    if (all.length === 0 && this.#quirks.emptyTags === 'null')
      return { status: 200, headers, body: JSON.stringify({ name, tags: null }) };
    const last = query.get('last');
    const rest = this.#quirks.pagesTags && last !== null ? all.filter((tag) => tag > last) : all;
    const tags = this.#quirks.pagesTags ? rest.slice(0, Number(query.get('n') ?? rest.length)) : rest;
    const next = `</v2/${name}/tags/list?n=${query.get('n')}&last=${tags.at(-1)}>; rel="next"`;
    const link = tags.length < rest.length ? { Link: next } : {};
    return { status: 200, headers: { ...headers, ...link }, body: JSON.stringify({ name, tags }) };
  }

  referrersOf(subject: string): Answer {
    if (!this.#quirks.referrers) throw new Refusal(404, 'UNSUPPORTED');
    const manifests = [...this.manifests].flatMap(([digest, { bytes, type }]) => {
      const document = JSON.parse(bytes.toString()) as Document;
      if (document.subject?.digest !== subject) return [];
      const artifactType = document.artifactType ?? document.config?.mediaType;
      const { annotations } = document;
      return [{ mediaType: type, digest, size: bytes.length, artifactType, annotations }];
    });
    const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
    return { status: 200, headers: { 'Content-Type': INDEX }, body };
  }
}
