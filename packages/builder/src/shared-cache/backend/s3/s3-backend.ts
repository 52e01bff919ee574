import { type Descriptor, type Digest, digestAlgorithm, isDigest, MediaType, OciError } from '@tsbuild/oci';
import { type HttpResponse, nodeHasher, verified } from '@tsbuild/oci/internal';
import type { BackendAccess } from '../backend-access.ts';
import { cacheDuration, cacheFlag, type CacheSpec, specText } from '../../flags/cache-spec.ts';
import { blobsOfRecord } from '../../record/record-blobs.ts';
import { RECORD_LIMIT } from '../../record/shared-record.ts';
import type { CacheBackend, FoundHints, ListedRecord, RecordToPut, SharedBlob } from '../cache-backend.ts';
import { hintedRecords, PACKED_HINTS_LIMIT, packHintTexts, unpackHintTexts } from '../hint-texts.ts';
import { stoppable } from '../stoppable.ts';
import { answerStatus } from '../web/answer-error.ts';
import { downloadedBlob } from '../web/blob-download.ts';
import { CredentialChain } from './aws-credentials.ts';
import { readProfile } from './profile-files.ts';
import { bytesPayload, modifiedOf, S3Client } from './s3-client.ts';
import { ObjectNames } from './object-names.ts';
import { s3Place } from './s3-place.ts';

/** Objects in use are made young again after this time, milliseconds: what nobody uses is for the bucket's own rules. */
const TOUCH_REFRESH = 24 * 60 * 60 * 1000;

/** Bytes of one PUT, as the service takes them. */
const OBJECT_LIMIT = 5 * 1024 ** 3;

/** When the objects behind the hints were last made young, milliseconds since 1970. */
const TOUCHED = 'x-amz-meta-tsbuild-touched';

/** Of the object with the hints: the digest and the size of the blob with the layers' indexes. */
const PACK = 'x-amz-meta-tsbuild-indexes';

/** Opens the bucket of a spec. @throws BuildError `OPTION_INVALID` */
export async function openS3Backend(
  spec: CacheSpec,
  { environment, now, traffic }: Pick<BackendAccess, 'environment' | 'now' | 'traffic'>,
): Promise<S3Backend> {
  const { attributes } = spec;
  const usePathStyle = attributes.has('use_path_style') ? cacheFlag(spec, 'use_path_style', false) : undefined;
  const place = s3Place(attributes, environment, { usePathStyle, profile: await readProfile(environment) });
  const credentials = new CredentialChain({ attributes, environment, region: place.region, now });
  return new S3Backend(spec, new S3Client(place, credentials, { environment, now, traffic }), now);
}

/**
 * `type=s3`: records, blobs and hints as objects of a bucket. The digest of a blob is in the signature of its PUT, so that
 * the service itself refuses other bytes. Nothing is ever removed here but records that somebody names: objects that builds
 * use are made young again, and a lifecycle rule of the bucket removes the old ones.
 */
export class S3Backend implements CacheBackend {
  readonly name: string;
  readonly spec: string;
  readonly scope: string;
  readonly #client: S3Client;
  readonly #names: ObjectNames;
  readonly #refresh: number;
  readonly #parallel: number;
  readonly #now: () => number;
  /** Keys that were asked for and not there: only if that is still so is the record written. */
  readonly #missed = new Set<Digest>();
  /** Objects that are in use and old. */
  readonly #old = new Set<string>();
  #touched = 0;
  #canCompare = true;

  constructor(spec: CacheSpec, client: S3Client, now: () => number) {
    const { attributes } = spec;
    this.#names = new ObjectNames(attributes);
    const bucket = attributes.get('bucket') ?? '';
    this.name = `s3 ${bucket}/${this.#names.prefix}`;
    this.spec = specText(spec);
    this.scope = attributes.get('scope') ?? `s3/${bucket}/${this.#names.prefix}`;
    this.#client = client;
    this.#now = now;
    this.#refresh = cacheDuration(spec, 'touch_refresh') ?? TOUCH_REFRESH;
    this.#parallel = Math.max(1, Number(attributes.get('upload_parallelism') ?? 4) || 4);
  }

  async find(key: Digest, signal: AbortSignal): Promise<string | undefined> {
    const name = this.#names.record(key);
    const response = await this.#client.get(name, signal);
    if (response === undefined) {
      this.#missed.add(key);
      return undefined;
    }
    this.#missed.delete(key);
    const modified = modifiedOf(response);
    const text = new TextDecoder().decode(await response.bytes(2 * RECORD_LIMIT));
    if (this.#isOld(modified)) for (const object of [name, ...this.#blobsNamedIn(text)]) this.#old.add(object);
    return text;
  }

  async hints(signal: AbortSignal): Promise<FoundHints> {
    for (const name of this.#names.hints.slice(0, 2)) {
      const response = await this.#client.get(name, signal);
      if (response === undefined) continue;
      this.#touched = Number(response.header(TOUCHED) ?? 0) || 0;
      const texts = await hintsOf(response);
      if (texts === undefined) return { kind: 'foreign', what: 'an object that is no cache' };
      const pack = packIn(response.header(PACK));
      return { kind: 'hints', texts, ...(pack === undefined ? {} : { pack }) };
    }
    return { kind: 'nothing' };
  }

  open(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return downloadedBlob(blob, async (offset) => {
      const response = await this.#client.get(this.#names.blob(blob.digest), signal, offset);
      if (response !== undefined) return response.chunks();
      throw new OciError('BLOB_NOT_FOUND', `${this.name} has no blob ${blob.digest}`, {
        fields: { digest: blob.digest },
      });
    });
  }

  async put(record: RecordToPut, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (const blob of record.blobs) await this.#store(blob, signal);
    const name = this.#names.record(record.key);
    const payload = bytesPayload(Buffer.from(record.text));
    const headers = { 'Content-Type': 'application/json' };
    // Whoever was faster has written a record as good as this one.
    const conditional = this.#canCompare && this.#missed.has(record.key);
    try {
      await this.#client.put(name, payload, signal, { ...headers, ...(conditional && { 'If-None-Match': '*' }) });
    } catch (error) {
      if (!conditional || answerStatus(error) !== 501) throw error;
      this.#canCompare = false; // A service that knows no such condition.
      await this.#client.put(name, payload, signal, headers);
    }
    this.#missed.delete(record.key);
  }

  async putHints(records: readonly RecordToPut[], signal: AbortSignal, pack?: SharedBlob): Promise<void> {
    signal.throwIfAborted();
    if ((await this.hints(signal)).kind === 'foreign') return;
    if (pack !== undefined) await this.#store(pack, signal);
    const hinted = hintedRecords(records);
    if (this.#isOld(this.#touched)) {
      for (const { key, blobs } of this.#touched === 0 ? [] : hinted) {
        this.#old.add(this.#names.record(key));
        for (const { blob } of blobs) this.#old.add(this.#names.blob(blob.digest));
      }
      this.#touched = this.#now();
    }
    const lost = await this.#touchAll(signal);
    const whole = hinted.filter(({ blobs }) => !blobs.some(({ blob }) => lost.has(this.#names.blob(blob.digest))));
    const payload = bytesPayload(packHintTexts(whole.map(({ text }) => text)));
    const indexes = pack === undefined ? {} : { [PACK]: `${pack.blob.digest} ${pack.blob.size}` };
    const headers = { 'Content-Type': 'application/gzip', [TOUCHED]: String(this.#touched), ...indexes };
    for (const name of this.#names.hints) await this.#client.put(name, payload, signal, headers);
  }

  async *list(signal: AbortSignal): AsyncIterable<ListedRecord> {
    for await (const { key: name, modified } of this.#client.list(this.#names.records, signal)) {
      const key = this.#names.keyOf(name);
      const response = key === undefined ? undefined : await this.#client.get(name, signal);
      if (key === undefined || response === undefined) continue;
      const text = new TextDecoder().decode(await response.bytes(2 * RECORD_LIMIT));
      const size = blobsOfRecord(text).reduce((sum, { blob }) => sum + blob.size, Buffer.byteLength(text));
      yield { key, text, size, written: modified };
    }
  }

  async remove(key: Digest, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#client.delete(this.#names.record(key), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  #isOld(modified: number): boolean {
    return this.#refresh > 0 && modified + this.#refresh < this.#now();
  }

  #blobsNamedIn(text: string): readonly string[] {
    return blobsOfRecord(text).map(({ blob }) => this.#names.blob(blob.digest));
  }

  async #store({ blob, open }: SharedBlob, signal: AbortSignal): Promise<void> {
    const name = this.#names.blob(blob.digest);
    const found = await this.#client.head(name, signal);
    if (found?.size === blob.size) {
      if (!this.#isOld(found.modified) || (await this.#client.touch(name, signal))) return;
    }
    if (blob.size > OBJECT_LIMIT || digestAlgorithm(blob.digest) !== 'sha256') {
      throw new OciError('LIMIT_EXCEEDED', `${this.name} takes no blob like ${blob.digest} of ${blob.size} bytes`);
    }
    const payload = {
      digest: blob.digest,
      length: blob.size,
      open: () => verified(stoppable(open(), signal), blob, nodeHasher('sha256')),
    };
    await this.#client.put(name, payload, signal, { 'Content-Type': 'application/octet-stream' });
  }

  /** Makes what is in use young. @returns the objects that are not there any more */
  async #touchAll(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const lost = new Set<string>();
    const waiting = [...this.#old];
    this.#old.clear();
    const worker = async (): Promise<void> => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        if (!(await this.#client.touch(name, signal))) lost.add(name);
      }
    };
    await Promise.all(Array.from({ length: this.#parallel }, worker));
    return lost;
  }
}

function packIn(header: string | undefined): Descriptor | undefined {
  const [digest, size = ''] = header?.split(' ') ?? [];
  if (digest === undefined || !isDigest(digest) || !/^[1-9][0-9]{0,8}$/.test(size)) return undefined;
  return { mediaType: MediaType.ociLayerGzip, digest, size: Number(size) };
}

async function hintsOf(response: HttpResponse): Promise<readonly string[] | undefined> {
  try {
    return unpackHintTexts(await response.bytes(PACKED_HINTS_LIMIT));
  } catch (error) {
    if (error instanceof OciError && error.code === 'LIMIT_EXCEEDED') return undefined;
    throw error;
  }
}
