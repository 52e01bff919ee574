import { createHash, type Hash, hash } from 'node:crypto';
import { OciError, readTar } from '@tsbuild/oci';
import { IndexBudget, rangeReader } from '@tsbuild/oci/internal';
import { sniffCompression } from '@tsbuild/oci/node';
import type { SourceEntry, SourceReader } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import { type ArchiveEntry, archiveEntry } from './archive-entry.ts';
import type { ArchiveIndexes } from './archive-indexes.ts';
import { decompressArchive, MAX_BYTES, ProgramMissing } from './archive-programs.ts';
import type { CopiedContent } from '../copy/copy-item.ts';
import { printablePath } from '../listing.ts';
import { Spool } from './spool.ts';

/** Where archives are looked for and what is needed for it. */
export interface ArchivePlaces {
  readonly indexes: ArchiveIndexes;
  /** A directory for what has to be unpacked to be read in another order. */
  readonly temporary: string;
}

/** A file of a source that may be an archive. */
export interface ArchiveCandidate {
  readonly entry: SourceEntry;
  readonly content: CopiedContent;
}

/**
 * An archive that ADD unpacks. Its index is read first, so that what it does is known and the cache can be asked; its
 * bytes come from the file itself, or from a spool where that is compressed. The index is kept by the file's digest: the
 * next build reads neither.
 */
export class AddedArchive implements CopiedContent, Disposable {
  readonly entries: readonly ArchiveEntry[];
  readonly #file: ArchiveCandidate;
  readonly #temporary: string;
  #bytes: ArchiveBytes | undefined;

  private constructor(
    entries: readonly ArchiveEntry[],
    file: ArchiveCandidate,
    temporary: string,
    bytes: ArchiveBytes | undefined,
  ) {
    this.entries = entries;
    this.#file = file;
    this.#temporary = temporary;
    this.#bytes = bytes;
  }

  /**
   * Opens a file as an archive; undefined when its content is none (its name says nothing), or is compressed with a
   * program that is missing here. What begins with a tar header is an archive, and what begins as compressed data that
   * is damaged before anything can be told is not copied without a notice.
   * @throws BuildError `COPY_FAILED` when it begins as an archive and then is damaged
   */
  static async open(
    file: ArchiveCandidate,
    { indexes, temporary }: ArchivePlaces,
    signal: AbortSignal,
    notice: (message: string) => void,
  ): Promise<AddedArchive | undefined> {
    if (file.entry.type !== 'file' || !mayBeArchive(headOf(file))) return undefined;
    const sha256 = file.content.knownSha256(file.entry);
    const kept = sha256 === undefined ? undefined : await indexes.get(sha256);
    if (kept !== undefined) return new AddedArchive(kept, file, temporary, undefined);
    const read = await readArchive(file, temporary, signal, notice);
    if (read === undefined) return undefined;
    file.content.remember(file.entry, read.sha256);
    await indexes.put(read.sha256, read.entries);
    return new AddedArchive(read.entries, file, temporary, read.bytes);
  }

  /** Sees to it that the content can be read. */
  async load(signal: AbortSignal): Promise<void> {
    if (this.#bytes !== undefined) return;
    const head = headOf(this.#file);
    this.#bytes = openBytes(this.#file, head, this.#temporary);
    const spool = this.#bytes.spool;
    if (spool === undefined) return;
    for await (const chunk of decompressArchive(head, chunksOf(this.#file, signal))) spool.append(chunk);
  }

  contentSha256(entry: SourceEntry): string {
    return (entry as ArchiveEntry & SourceEntry).sha256;
  }

  knownSha256(entry: SourceEntry): string {
    return this.contentSha256(entry);
  }

  remember(): void {
    // The index says it all.
  }

  open(entry: SourceEntry): SourceReader {
    const bytes = this.#bytes;
    if (bytes === undefined) throw new TypeError('the archive is not loaded');
    return rangeReader(
      { read: (buffer, position) => bytes.readAt(buffer, position) },
      entry as ArchiveEntry & SourceEntry,
    );
  }

  [Symbol.dispose](): void {
    this.#bytes?.close();
    this.#bytes = undefined;
  }
}

/** The uncompressed bytes at a position. */
interface ArchiveBytes {
  readonly spool: Spool | undefined;
  readAt(buffer: Uint8Array, position: number): number;
  close(): void;
}

function openBytes(file: ArchiveCandidate, head: Uint8Array, temporary: string): ArchiveBytes {
  if (sniffCompression(head) === 'none') {
    const reader = file.content.open(file.entry);
    const { readAt } = reader;
    if (readAt !== undefined) {
      const at = readAt.bind(reader);
      return {
        spool: undefined,
        readAt: (buffer, position) => (buffer.length === 0 ? 0 : at(buffer, position)),
        close: () => reader.close(),
      };
    }
    reader.close();
  }
  const spool = new Spool(temporary);
  return {
    spool,
    readAt: (buffer, position) => spool.readAt(buffer, position),
    close: () => spool[Symbol.dispose](),
  };
}

interface ReadArchive {
  readonly entries: readonly ArchiveEntry[];
  readonly sha256: string;
  readonly bytes: ArchiveBytes;
}

/** As many members as a layer may have. */
const MAX_ENTRIES = 1_000_000;

async function readArchive(
  file: ArchiveCandidate,
  temporary: string,
  signal: AbortSignal,
  notice: (message: string) => void,
): Promise<ReadArchive | undefined> {
  const head = headOf(file);
  const sha256 = createHash('sha256');
  const bytes = openBytes(file, head, temporary);
  const entries: ArchiveEntry[] = [];
  let isArchive = false;
  const budget = new IndexBudget();
  let members = 0;
  let holes = 0;
  try {
    const plain = seeing(
      spooled(decompressArchive(head, hashed(chunksOf(file, signal), sha256)), bytes.spool),
      (block) => (isArchive = mayBeArchive(block) && sniffCompression(block) === 'none'),
    );
    for await (const member of readTar(plain, { allowNameless: true })) {
      if (++members > MAX_ENTRIES) throw new BuildError('COPY_FAILED', `it has more than ${MAX_ENTRIES} entries`);
      if (member.sparse !== undefined) holes += member.entry.size;
      if (holes > MAX_BYTES) throw new BuildError('COPY_FAILED', `its sparse files have more than ${MAX_BYTES} bytes`);
      budget.spend(member.entry);
      const digest = member.entry.type === 'file' ? await digestOf(member.content, member.entry.size) : '';
      const entry = archiveEntry(member, digest);
      if (entry !== undefined) entries.push(entry);
    }
  } catch (error) {
    bytes.close();
    if (error instanceof ProgramMissing) {
      const name = printablePath(file.entry.path);
      notice(`${name} is copied without unpacking: ${error.message}`);
      return undefined;
    }
    if (isArchive || !isDamage(error)) throw damaged(file, error);
    // What does not even begin as an archive is a file like any other.
    if (bytes.spool !== undefined) {
      notice(`${printablePath(file.entry.path)} is copied without unpacking: ${(error as Error).message}`);
    }
    return undefined;
  }
  if (members > 0) return { entries, sha256: sha256.digest('hex'), bytes };
  bytes.close();
  return undefined;
}

function isDamage(error: unknown): boolean {
  if (error instanceof OciError) return error.code === 'TAR_INVALID' || error.code === 'LAYER_INVALID';
  return error instanceof BuildError && error.code === 'COPY_FAILED';
}

function damaged(file: ArchiveCandidate, error: unknown): unknown {
  const isOurs = error instanceof BuildError && error.code === 'COPY_FAILED' && error.hint === undefined;
  if (!(error instanceof OciError) && !isOurs) return error;
  return new BuildError('COPY_FAILED', `cannot unpack ${printablePath(file.entry.path)}: ${error.message}`, {
    hint: 'ADD --unpack=false copies an archive without unpacking it',
    cause: error,
  });
}

async function digestOf(content: AsyncIterable<Uint8Array>, size: number): Promise<string> {
  let sha256: Hash | undefined;
  for await (const piece of content) {
    // Most files lie in one piece, and one call is several times faster.
    if (piece.length === size) return hash('sha256', piece, 'hex');
    sha256 ??= createHash('sha256');
    sha256.update(piece);
  }
  return sha256?.digest('hex') ?? hash('sha256', '', 'hex');
}

const HEAD_BYTES = 512;
const CHUNK_BYTES = 256 * 1024;

function headOf({ entry, content }: ArchiveCandidate): Uint8Array {
  const reader = content.open(entry);
  const head = Buffer.alloc(HEAD_BYTES);
  let filled = 0;
  try {
    while (filled < HEAD_BYTES) {
      const count = reader.read(head.subarray(filled));
      if (count === 0) break;
      filled += count;
    }
  } finally {
    reader.close();
  }
  return head.subarray(0, filled);
}

/** A cheap look at the first 512 bytes: compressed, or a block whose checksum is that of a tar header (POSIX pax, "ustar Interchange Format"). */
export function mayBeArchive(head: Uint8Array): boolean {
  if (sniffCompression(head) !== 'none') return true;
  if (head.length < HEAD_BYTES || head[0] === undefined) return false;
  const stated = Number.parseInt(Buffer.from(head.subarray(148, 156)).toString('latin1').trim(), 8);
  let unsigned = 0;
  let signed = 0;
  for (const [at, byte] of head.entries()) {
    const value = at >= 148 && at < 156 ? 0x20 : byte;
    unsigned += value;
    signed += value > 127 ? value - 256 : value;
  }
  return stated === unsigned || stated === signed;
}

async function* chunksOf(
  { entry, content }: ArchiveCandidate,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = content.open(entry);
  try {
    for (;;) {
      signal.throwIfAborted();
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = reader.read(buffer);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    reader.close();
  }
}

async function* hashed(source: AsyncIterable<Uint8Array>, sha256: Hash): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    sha256.update(chunk);
    yield chunk;
  }
}

/** Shows the first 512 bytes of what passes. */
async function* seeing(
  source: AsyncIterable<Uint8Array>,
  show: (block: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let block: Uint8Array = new Uint8Array();
  for await (const chunk of source) {
    if (block.length < HEAD_BYTES) {
      block = Buffer.concat([block, chunk.subarray(0, HEAD_BYTES - block.length)]);
      if (block.length === HEAD_BYTES) show(block);
    }
    yield chunk;
  }
}

async function* spooled(
  source: AsyncIterable<Uint8Array>,
  spool: Spool | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    spool?.append(chunk);
    yield chunk;
  }
}
