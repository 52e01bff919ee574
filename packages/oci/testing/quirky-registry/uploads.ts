import { digestOf, Refusal } from './answer.ts';
import type { Answer } from './answer.ts';
import type { Quirks } from './quirks.ts';
import type { Repository } from './repository.ts';

interface Upload {
  bytes: Buffer;
  /** Length of the first chunk. */
  first: number | undefined;
}

/** Uploads under way. */
export class Uploads {
  readonly #quirks: Quirks;
  readonly #open = new Map<string, Upload>();
  /** What ends the wait of the upload that stores a blob right now. */
  readonly #finishing = new Map<string, () => void>();
  #count = 0;

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  begin(base: string): Answer {
    const id = `u${this.#count++}`;
    this.#open.set(id, { bytes: Buffer.alloc(0), first: undefined });
    return { status: 202, headers: { Location: base + id, Range: '0-0' } };
  }

  state(id: string): Answer {
    const { bytes } = this.#find(id);
    if (this.#quirks.chunks === 'silent') throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN');
    return { status: 204, headers: { Range: `0-${Math.max(0, bytes.length - 1)}` } };
  }

  patch(id: string, location: string, body: Buffer, range: string | undefined): Answer {
    const upload = this.#find(id);
    const start = /^(\d+)-/.exec(range ?? '')?.[1];
    if (start !== undefined && Number(start) !== upload.bytes.length) throw new Refusal(416, 'RANGE_INVALID');
    if (upload.first !== undefined && this.#quirks.chunks === 'one') throw new Refusal(400, 'BLOB_UPLOAD_INVALID');
    upload.first ??= body.length;
    upload.bytes = Buffer.concat([upload.bytes, body]);
    const known = this.#quirks.chunks === 'silent' ? upload.first : upload.bytes.length;
    return { status: this.#quirks.patchStatus, headers: { Location: location, Range: `0-${known - 1}` } };
  }

  async finish(id: string, body: Buffer, digest: string, repository: Repository): Promise<Answer> {
    const bytes = Buffer.concat([this.#find(id).bytes, body]);
    if (digestOf(bytes) !== digest) throw new Refusal(400, 'DIGEST_INVALID');
    if (!this.#quirks.takesTwins) await this.#withoutTwin(digest);
    this.#open.delete(id);
    repository.blobs.set(digest, bytes);
    return { status: 201, headers: { 'Docker-Content-Digest': digest } };
  }

  /**
   * Holds an upload until a second one of the same blob has come and was refused, or until none has come. It ends with the
   * refusal, so that the second one, whose clock may not wait, is not refused again and again.
   */
  async #withoutTwin(digest: string): Promise<void> {
    const end = this.#finishing.get(digest);
    if (end !== undefined) {
      end();
      throw new Refusal(400, 'BLOB_UPLOAD_INVALID');
    }
    await new Promise<void>((resolve) => {
      this.#finishing.set(digest, resolve);
      setTimeout(resolve, 50);
    });
    this.#finishing.delete(digest);
  }

  #find(id: string): Upload {
    const upload = this.#open.get(id);
    if (upload === undefined) throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN');
    return upload;
  }
}
