import { type PackageFile, readExactly, unreadable } from './package-file.ts';

const HEADER_SIZE = 64;
const MAX_SECTIONS = 65_536;
const MAX_NAMES = 4 * 1024 ** 2;
/** Section without bytes in the file (.bss). */
const NO_BITS = 8;

/** Where a section lies in the file. */
export interface ElfSection {
  readonly offset: number;
  readonly size: number;
}

/**
 * The sections of an ELF file with these names (gABI chapter 4); undefined when the file is none, empty when it is stripped
 * of its section headers. @throws OciError `UNSUPPORTED` when it is damaged
 */
export function elfSections(
  file: PackageFile,
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, ElfSection> | undefined {
  const header = file.size < HEADER_SIZE ? new Uint8Array() : file.read(0, HEADER_SIZE);
  const isElf = header[0] === 0x7f && header[1] === 0x45 && header[2] === 0x4c && header[3] === 0x46;
  if (!isElf) return undefined;
  const read = wordReader(header[4] === 2, header[5] === 1);
  const table = read(header, [0x20, 0x28]);
  const { entry, count, names } = tableShape(header, read);
  if (table === 0 || count === 0) return new Map();
  const sectionSize = read.wide ? 64 : 40;
  if (entry < sectionSize || count > MAX_SECTIONS) throw unreadable('its ELF section headers are damaged');
  const headers = readExactly(file, table, entry * count);
  const section = (index: number) => sectionAt(headers.subarray(index * entry, (index + 1) * entry), read);
  const nameTable = names < count ? section(names) : undefined;
  if (nameTable === undefined || nameTable.size > MAX_NAMES) throw unreadable('its ELF section names are damaged');
  const texts = readExactly(file, nameTable.offset, nameTable.size);
  const found = new Map<string, ElfSection>();
  for (let index = 0; index < count; index++) {
    const { name, type, offset, size } = section(index);
    const text = textAt(texts, name);
    if (type !== NO_BITS && wanted.has(text) && !found.has(text)) found.set(text, { offset, size });
  }
  return found;
}

/** Reads a number whose place depends on the class of the file: [32-bit, 64-bit]; addresses are as wide as the class. */
interface WordReader {
  (bytes: Uint8Array, at: readonly [number, number]): number;
  readonly wide: boolean;
  readonly half: (bytes: Uint8Array, at: number) => number;
  readonly word: (bytes: Uint8Array, at: number) => number;
}

function wordReader(wide: boolean, little: boolean): WordReader {
  const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (bytes: Uint8Array, [narrowAt, wideAt]: readonly [number, number]): number =>
    wide ? Number(view(bytes).getBigUint64(wideAt, little)) : view(bytes).getUint32(narrowAt, little);
  return Object.assign(read, {
    wide,
    half: (bytes: Uint8Array, at: number) => view(bytes).getUint16(at, little),
    word: (bytes: Uint8Array, at: number) => view(bytes).getUint32(at, little),
  });
}

function tableShape(header: Uint8Array, read: WordReader) {
  const at = read.wide ? 0x3a : 0x2e;
  return { entry: read.half(header, at), count: read.half(header, at + 2), names: read.half(header, at + 4) };
}

function sectionAt(bytes: Uint8Array, read: WordReader) {
  return {
    name: read.word(bytes, 0),
    type: read.word(bytes, 4),
    offset: read(bytes, [0x10, 0x18]),
    size: read(bytes, [0x14, 0x20]),
  };
}

function textAt(texts: Uint8Array, at: number): string {
  const end = texts.indexOf(0, at);
  return new TextDecoder('latin1').decode(texts.subarray(at, end < 0 ? at : end));
}
