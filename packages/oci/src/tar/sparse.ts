import type { ByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import type { BlockInput } from './block-input.ts';
import { BLOCK_SIZE, bytesToByteString } from './block.ts';
import { type PaxRecords, parsePaxInteger } from './pax.ts';
import { displayName, tarInvalid } from './tar-error.ts';
import { readNumber } from './tar-number.ts';

/**
 * Sparse files: the archive holds only the parts that are no holes, and a map of them (GNU tar manual, "Storing Sparse
 * Files": the old GNU form in the header, 0.0 and 0.1 in PAX records, 1.0 before the content).
 */

/** One part of a sparse file that the archive holds; what lies between the parts is zeros. */
export interface SparseRegion {
  /** Where in the file it begins, bytes. */
  readonly position: number;
  /** Where in the archive its bytes are. */
  readonly offset: number;
  readonly size: number;
}

/** What the headers of a sparse file say. The map itself may still be to read. */
export interface SparseHeader {
  /** Bytes of the file with its holes. */
  readonly realSize: number;
  /** Positions and sizes, by turns, as far as the headers have them. */
  readonly map: readonly number[];
  /** Where the rest of the map is: in blocks after the header, or (1.0) as text before the content. */
  readonly rest?: 'blocks' | 'text';
}

const PREFIX = 'GNU.sparse.';
/** A part in a header block: position and size, 12 bytes each. */
const PART_SIZE = 24;

/** What PAX records say of a sparse file; undefined for others. @throws OciError `TAR_INVALID`, `UNSUPPORTED` */
export function paxSparseHeader(pax: PaxRecords, path: ByteString): SparseHeader | undefined {
  const text = (key: string): string | undefined => {
    const value = pax.get(PREFIX + key);
    return value === undefined ? undefined : bytesToByteString(value, 0, value.length);
  };
  if (![...pax.keys()].some((key) => key.startsWith(PREFIX))) return undefined;
  const version = `${text('major') ?? '0'}.${text('minor') ?? '0'}`;
  const map = text('map') ?? '';
  const number = (key: string, value: string | undefined) => {
    if (value === undefined) throw badSparse(path, `no ${PREFIX}${key}`);
    return parsePaxInteger(value, PREFIX + key);
  };
  const realSize = number('size', text('size') ?? text('realsize'));
  if (version === '1.0') return { realSize, map: [], rest: 'text' };
  if (version !== '0.0' && version !== '0.1') {
    const name = displayName(path);
    throw new OciError('UNSUPPORTED', `${name} is stored as a sparse file of the unknown form ${version}`);
  }
  const numbers = map === '' ? [] : map.split(',').map((value) => number('map', value));
  if (numbers.length !== 2 * number('numblocks', text('numblocks')))
    throw badSparse(path, 'its map has a wrong length');
  return { realSize, map: numbers };
}

/** The name that a sparse file has beside the one in its header; undefined when there is none. */
export function paxSparseName(pax: PaxRecords | undefined): ByteString | undefined {
  const name = pax?.get(`${PREFIX}name`);
  return name === undefined || name.length === 0 ? undefined : bytesToByteString(name, 0, name.length);
}

/** The map in the header block at `at` of a member of type `S`. */
export function oldSparseHeader(bytes: Uint8Array, at: number): SparseHeader {
  const map = readParts(bytes, at + 386, 4);
  const realSize = readNumber(bytes, at + 483, 12, 'real size');
  return { realSize, map, ...(bytes[at + 482] !== 0 && { rest: 'blocks' as const }) };
}

/** A map, and how many bytes of it came before the content. */
interface SparseMap {
  readonly regions: readonly SparseRegion[];
  /** Of the text before the content (1.0). */
  readonly textSize: number;
}

/**
 * Reads the rest of the map and checks all of it as Go's archive/tar does: parts in order that do not meet, within the file,
 * and together as long as what is stored.
 * @param storedSize bytes of content in the archive
 * @throws OciError `TAR_INVALID`
 */
export async function readSparseMap(
  input: BlockInput,
  header: SparseHeader,
  storedSize: number,
  path: ByteString,
  maxBytes: number,
): Promise<SparseMap> {
  const map = [...header.map];
  if (header.rest === 'blocks') await readMapBlocks(input, map, path, maxBytes);
  const textSize = header.rest === 'text' ? await readMapText(input, map, path, Math.min(maxBytes, storedSize)) : 0;
  return { regions: regionsOf(map, header.realSize, storedSize - textSize, input.position, path), textSize };
}

function regionsOf(
  map: readonly number[],
  realSize: number,
  stored: number,
  start: number,
  path: ByteString,
): readonly SparseRegion[] {
  const regions: SparseRegion[] = [];
  let end = 0;
  let offset = start;
  for (let i = 0; i < map.length; i += 2) {
    const [position = 0, size = 0] = [map[i], map[i + 1]];
    if (size < 0 || position < end || position + size > realSize)
      throw badSparse(path, 'its parts overlap or lie outside');
    if (size > 0) regions.push({ position, offset, size });
    end = position + size;
    offset += size;
  }
  if (offset - start !== stored) throw badSparse(path, 'its parts are not what is stored');
  return regions;
}

/** Blocks of 21 parts each, until one says that it is the last. */
async function readMapBlocks(input: BlockInput, map: number[], path: ByteString, maxBytes: number): Promise<void> {
  for (let left = maxBytes; ; left -= BLOCK_SIZE) {
    const block = await readBlock(input, path);
    map.push(...readParts(block, 0, 21));
    if (block[21 * PART_SIZE] === 0) return;
    if (left < BLOCK_SIZE) throw badSparse(path, `its map is over the limit of ${maxBytes} bytes`);
  }
}

/** Decimal numbers, a line each: how many parts, then position and size of each; filled up to whole blocks. */
async function readMapText(input: BlockInput, map: number[], path: ByteString, maxBytes: number): Promise<number> {
  let text = '';
  let parts: number | undefined;
  for (let read = BLOCK_SIZE; read <= maxBytes; read += BLOCK_SIZE) {
    const block = await readBlock(input, path);
    text += bytesToByteString(block, 0, BLOCK_SIZE);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (parts !== undefined && map.length === 2 * parts) break;
      const value = parsePaxInteger(line, 'sparse map');
      if (parts === undefined) parts = value;
      else map.push(value);
    }
    if (parts !== undefined && map.length === 2 * parts) return read;
  }
  throw badSparse(path, 'its map is cut off, or too long');
}

async function readBlock(input: BlockInput, path: ByteString): Promise<Uint8Array> {
  const block = new Uint8Array(BLOCK_SIZE);
  if ((await input.readInto(block)) < BLOCK_SIZE) throw tarInvalid('unexpected end of archive', path);
  return block;
}

function readParts(bytes: Uint8Array, at: number, most: number): number[] {
  const map: number[] = [];
  for (let part = at; part < at + most * PART_SIZE && bytes[part] !== 0; part += PART_SIZE) {
    map.push(readNumber(bytes, part, 12, 'sparse position'), readNumber(bytes, part + 12, 12, 'sparse size'));
  }
  return map;
}

function badSparse(path: ByteString, reason: string): OciError {
  return tarInvalid(`it is stored as a sparse file, but ${reason}`, path);
}
