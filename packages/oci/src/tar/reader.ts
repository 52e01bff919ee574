import type { ByteString } from '../spec/byte-string.ts';
import { BlockInput } from './block-input.ts';
import type { TarEntry } from './entry.ts';
import { BLOCK_SIZE, readString } from './block.ts';
import { decodeHeader, isZeroBlock, type TarHeader } from './header.ts';
import { type DecodedMember, decodeMember, type MemberExtensions } from './member.ts';
import { decodePaxRecords } from './pax.ts';
import { readSparseMap, type SparseRegion } from './sparse.ts';
import { tarInvalid } from './tar-error.ts';

/** One member of an archive. `content` may be read once, before the next member is asked for; unread bytes are skipped. */
export interface TarMember {
  readonly entry: TarEntry;
  /** Position of the content in the archive, bytes. */
  readonly offset: number;
  /** Of a sparse file: where its parts are in the archive; the rest is zeros. `content` has it all. */
  readonly sparse?: readonly SparseRegion[];
  /** Views of the source's chunks: use or copy them before asking for more. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Bounds of {@link readTar}. */
export interface ReadTarOptions {
  /** Largest PAX header or GNU long name, bytes; 1 MiB unless told. */
  readonly maxMetadataBytes?: number;
  /** Members without a name come as `''`; otherwise they are refused. Some writers name the root directory so. */
  readonly allowNameless?: boolean;
}

/**
 * Reads a tar archive (ustar, PAX, GNU, v7) as it streams in; memory does not depend on its size. Two zero blocks end
 * the archive, as does the end of the source between two members; the source is always read to its end, so that a
 * digest taken of it covers every byte.
 * Sparse files come with their holes filled.
 * @throws OciError `TAR_INVALID` for whatever is malformed or cut short; `UNSUPPORTED` for unknown forms of sparse files
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<TarMember, void, undefined> {
  const input = new BlockInput(source);
  const maxMetadata = options.maxMetadataBytes ?? 1024 * 1024;
  try {
    for (;;) {
      const member = await nextMember(input, maxMetadata, options.allowNameless ?? false);
      if (member === undefined) break;
      const { entry, storedSize, sparse } = member;
      if (sparse === undefined) {
        const content = new MemberContent(input, entry.path, storedSize);
        yield { entry, offset: input.position, content };
        await content.finish();
      } else {
        const { regions, textSize } = await readSparseMap(input, sparse, storedSize, entry.path, maxMetadata);
        const stored = new MemberContent(input, entry.path, storedSize - textSize);
        yield { entry, offset: input.position, sparse: regions, content: withHoles(stored, regions, entry.size) };
        await stored.finish();
      }
    }
    await input.skip(Number.POSITIVE_INFINITY);
  } finally {
    await input.close();
  }
}

/** Reads headers until one describes an entry; undefined at the end of the archive. */
async function nextMember(
  input: BlockInput,
  maxMetadata: number,
  allowNameless: boolean,
): Promise<DecodedMember | undefined> {
  let extensions: MemberExtensions = NO_EXTENSIONS;
  for (;;) {
    const header = await nextHeader(input);
    if (header === undefined) {
      if (extensions !== NO_EXTENSIONS) throw tarInvalid('unexpected end of archive after an extended header');
      return undefined;
    }
    switch (header.typeFlag) {
      case 'x':
        // PAX records speak of the next file, not of a GNU long name that comes between (CVE-2026-53655).
        extensions = { ...extensions, pax: decodePaxRecords(await metadata(input, header, maxMetadata)) };
        break;
      case 'g':
        // Defaults for every following member. Engines ignore them, so they must not mean anything here either.
        await metadata(input, header, maxMetadata);
        break;
      case 'L':
        extensions = { ...extensions, longName: terminated(await metadata(input, header, maxMetadata)) };
        break;
      case 'K':
        extensions = { ...extensions, longLink: terminated(await metadata(input, header, maxMetadata)) };
        break;
      default:
        return decodeMember(header, extensions, allowNameless);
    }
  }
}

const NO_EXTENSIONS: MemberExtensions = {};

async function nextHeader(input: BlockInput): Promise<TarHeader | undefined> {
  const block = await nextBlock(input);
  if (block === undefined) return undefined;
  if (block[0] !== 0 || !isZeroBlock(block, 0)) return decodeHeader(block, 0);
  const second = await nextBlock(input);
  if (second !== undefined && !isZeroBlock(second, 0)) throw tarInvalid('a single zero block is between members');
  return undefined;
}

async function nextBlock(input: BlockInput): Promise<Uint8Array | undefined> {
  const view = input.tryTake(BLOCK_SIZE);
  if (view !== undefined) return view;
  const block = new Uint8Array(BLOCK_SIZE);
  const filled = await input.readInto(block);
  if (filled === 0) return undefined;
  if (filled < BLOCK_SIZE) throw tarInvalid('unexpected end of archive in a header');
  return block;
}

/** The content of a member that only describes the next one; a copy of its own. */
async function metadata(input: BlockInput, header: TarHeader, max: number): Promise<Uint8Array> {
  if (header.size > max) throw tarInvalid(`an extended header of ${header.size} bytes is over the limit of ${max}`);
  const bytes = new Uint8Array(header.size);
  const filled = await input.readInto(bytes);
  const padding = paddingOf(header.size);
  if (filled < header.size || (await input.skip(padding)) < padding) {
    throw tarInvalid('unexpected end of archive', header.name);
  }
  return bytes;
}

function terminated(bytes: Uint8Array): ByteString {
  return readString(bytes, 0, bytes.length);
}

function paddingOf(size: number): number {
  const rest = size % BLOCK_SIZE;
  return rest === 0 ? 0 : BLOCK_SIZE - rest;
}

/** The content of a sparse file: what is stored, with zeros between the parts. */
async function* withHoles(
  stored: AsyncIterable<Uint8Array>,
  regions: readonly SparseRegion[],
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const zeros = new Uint8Array(64 * 1024);
  const source = stored[Symbol.asyncIterator]();
  let at = 0;
  let rest: Uint8Array = new Uint8Array();
  for (const { position, size: length } of [...regions, { position: size, size: 0 }]) {
    for (; at < position; at += Math.min(zeros.length, position - at)) yield zeros.subarray(0, position - at);
    for (const end = position + length; at < end; ) {
      if (rest.length === 0) {
        const next = await source.next();
        if (next.done === true) return; // The parts are checked to be what is stored.
        rest = next.value;
      }
      const piece = rest.subarray(0, end - at);
      rest = rest.subarray(piece.length);
      at += piece.length;
      yield piece;
    }
  }
}

class MemberContent implements AsyncIterable<Uint8Array> {
  readonly #input: BlockInput;
  readonly #path: ByteString;
  readonly #size: number;
  #left: number;
  #finished = false;

  constructor(input: BlockInput, path: ByteString, size: number) {
    this.#input = input;
    this.#path = path;
    this.#size = size;
    this.#left = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#left > 0) {
      if (this.#finished) throw new Error('the content of a tar member was read after the next member was asked for');
      const piece = await this.#input.takeUpTo(this.#left);
      if (piece === undefined) throw this.#cutShort();
      this.#left -= piece.length;
      yield piece;
    }
  }

  /** Passes over what nobody read, and the padding. */
  async finish(): Promise<void> {
    this.#finished = true;
    const rest = this.#left;
    if (rest > 0 && (await this.#input.skip(rest)) < rest) throw this.#cutShort();
    // The last member's padding may be missing, as in archives of writers that were never closed.
    const padding = paddingOf(this.#size);
    if (padding > 0 && this.#input.tryTake(padding) === undefined) await this.#input.skip(padding);
  }

  #cutShort(): Error {
    return tarInvalid('unexpected end of archive', this.#path);
  }
}
