import { utf8ToByteString } from '../spec/byte-string.ts';
import type { ByteString } from '../spec/byte-string.ts';
import { DOCUMENT_SIZE_LIMIT } from '../spec/json-document.ts';
import type { TarEntry } from '../tar/entry.ts';
import { readTar } from '../tar/reader.ts';
import { displayName } from '../tar/tar-error.ts';
import { IndexBudget } from '../layer/index-budget.ts';
import { archiveInvalid, withinEntry } from './archive-error.ts';
import type { ArchiveFile } from './archive-file.ts';

/** A file of an archive: where its bytes are. */
export interface ArchiveMember {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

type Slot = { readonly offset: number; readonly size: number } | { readonly target: ByteString };

/** More than any real archive has; keeps a hostile one from filling the memory. */
const MEMBERS_LIMIT = 200_000;
const LINKS_LIMIT = 16;
const HEADER_READ_SIZE = 16 * 1024;

/**
 * The members of an archive by name. Nothing is extracted, so no name can lead out of the archive: names are only compared.
 */
export class ArchiveMembers {
  readonly #file: ArchiveFile;
  readonly #slots: ReadonlyMap<ByteString, Slot>;

  private constructor(file: ArchiveFile, slots: ReadonlyMap<ByteString, Slot>) {
    this.#file = file;
    this.#slots = slots;
  }

  /** Reads the headers only; later members of the same name replace earlier ones. @throws OciError `ARCHIVE_INVALID` */
  static async index(file: ArchiveFile): Promise<ArchiveMembers> {
    if (file.size === 0) throw archiveInvalid(file.name, 'it is empty');
    const slots = new Map<ByteString, Slot>();
    const budget = new IndexBudget();
    const source = new HeaderSource(file);
    await withinEntry(file.name, async () => {
      for await (const { entry, offset, sparse } of readTar(source)) {
        if (sparse !== undefined)
          throw archiveInvalid(file.name, `${displayName(entry.path)} is stored as a sparse file`);
        source.passOver(offset, entry.size);
        budget.spend(entry);
        const slot = slotOf(entry, offset);
        if (slot !== undefined) slots.set(normalized(entry.path), slot);
        if (slots.size > MEMBERS_LIMIT) throw archiveInvalid(file.name, `it has more than ${MEMBERS_LIMIT} entries`);
      }
    });
    return new ArchiveMembers(file, slots);
  }

  /** How messages call the archive. */
  get name(): string {
    return this.#file.name;
  }

  has(name: string): boolean {
    return this.#slots.has(normalized(utf8ToByteString(name)));
  }

  /** The file of this name, through links as old Docker versions write them. @throws OciError `ARCHIVE_INVALID` */
  get(name: string): ArchiveMember {
    return this.find(name) ?? missing(name);
  }

  /** As {@link get}, but undefined when there is no such entry. */
  find(name: string): ArchiveMember | undefined {
    let path = normalized(utf8ToByteString(name));
    for (let links = 0; links < LINKS_LIMIT; links++) {
      if (path.split('/').includes('..')) throw archiveInvalid(name, 'the name points outside the archive');
      const slot = this.#slots.get(path);
      if (slot === undefined && links > 0) throw archiveInvalid(name, `it links to "${path}", which is missing`);
      if (slot === undefined) return undefined;
      if ('offset' in slot) return { name, ...slot };
      path = slot.target;
    }
    throw archiveInvalid(name, 'it is a link to itself');
  }

  read(member: ArchiveMember): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#file.read(member.offset, member.size);
  }

  /** Reads a JSON document whole. @throws OciError `ARCHIVE_INVALID` */
  async document(name: string): Promise<Uint8Array> {
    const member = this.get(name);
    if (member.size > DOCUMENT_SIZE_LIMIT) {
      throw archiveInvalid(name, `it has ${member.size} bytes, the limit for a document is ${DOCUMENT_SIZE_LIMIT}`);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.read(member)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

function slotOf(entry: TarEntry, offset: number): Slot | undefined {
  switch (entry.type) {
    case 'file':
      return { offset, size: entry.size };
    case 'hardlink':
      return { target: normalized(entry.linkPath) };
    case 'symlink': {
      const folder = normalized(entry.path).split('/').slice(0, -1);
      return { target: entry.linkPath.startsWith('/') ? '..' : joined(folder, entry.linkPath) };
    }
    default:
      return undefined;
  }
}

/** A relative link's target within the archive; keeps `..` that would lead out of it. */
function joined(folder: readonly ByteString[], link: ByteString): ByteString {
  const path = [...folder];
  for (const part of link.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && path.length > 0 && path.at(-1) !== '..') path.pop();
    else path.push(part);
  }
  return path.join('/');
}

/** `./a//b/` and `/a/b` are `a/b`. */
function normalized(path: ByteString): ByteString {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function missing(name: string): never {
  throw archiveInvalid(name, 'it is missing from the archive');
}

/**
 * The archive as the tar reader sees it while it is indexed: where the content of members lies, it gets blank bytes that
 * cost no reading. Only headers are read from the disk.
 */
class HeaderSource implements AsyncIterable<Uint8Array> {
  readonly #file: ArchiveFile;
  #contentEnd = 0;

  constructor(file: ArchiveFile) {
    this.#file = file;
  }

  passOver(offset: number, size: number): void {
    this.#contentEnd = offset + size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const blank = new Uint8Array(1024 * 1024);
    for (let at = 0; at < this.#file.size; ) {
      const passable = Math.min(this.#contentEnd, this.#file.size) - at;
      if (passable > 0) {
        yield blank.subarray(0, Math.min(blank.length, passable));
        at += Math.min(blank.length, passable);
        continue;
      }
      for await (const chunk of this.#file.read(at, HEADER_READ_SIZE)) {
        at += chunk.length;
        yield chunk;
      }
    }
  }
}
