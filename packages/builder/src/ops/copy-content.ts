import type { LayerPiece, LayerWriter, NewLayerEntry } from '@tsbuild/oci/node';
import type { FilesAhead, SourceEntry } from '../context/source-tree.ts';
import { BuildError } from '../errors.ts';
import type { CopiedItem, CopyOrigin, CopyPlan } from './copy-item.ts';
import { printablePath } from './listing.ts';

/** Brings the bytes of copied files into the layer: read ahead by a second thread where there are many, else one by one. */
export class CopyContent {
  /** What is read ahead comes from here. */
  readonly #origin: CopyOrigin | undefined;
  readonly #ahead: FilesAhead | undefined;

  private constructor(origin: CopyOrigin | undefined, ahead: FilesAhead | undefined) {
    this.#origin = origin;
    this.#ahead = ahead;
  }

  /** Prepares for adding the files of `plan` in its order. Close it in the end. */
  static async open(plan: CopyPlan): Promise<CopyContent> {
    let origin: CopyOrigin | undefined;
    const entries: SourceEntry[] = [];
    const groups = new Set<string>();
    for (const item of plan.items.values()) {
      if (item.kind !== 'copied' || item.entry.type !== 'file' || item.origin.content.readAhead === undefined) continue;
      origin ??= item.origin;
      const { linkGroup } = item;
      if (item.origin !== origin || (linkGroup !== undefined && groups.has(linkGroup))) continue;
      if (linkGroup !== undefined) groups.add(linkGroup);
      entries.push(item.entry);
    }
    return new CopyContent(origin, await origin?.content.readAhead?.(entries));
  }

  /** {@link add} where nothing must be waited for: true when the file was added. For ten thousands of small files. */
  addNow(item: CopiedItem, added: NewLayerEntry, writer: LayerWriter): boolean {
    if (this.#ahead?.isReady !== true || item.origin !== this.#origin) return false;
    const { bytes, sha256 } = this.#ahead.peek();
    if (sha256 === undefined || bytes.length !== added.size) return false;
    this.#takeOf(item);
    writer.addBytes(added, bytes, sha256);
    learn(item, sha256);
    return true;
  }

  /** Adds a file. @throws BuildError `FILE_CHANGED` when its digest was known and is another now */
  async add(item: CopiedItem, added: NewLayerEntry, writer: LayerWriter): Promise<void> {
    if (item.origin === this.#origin && (await this.#ahead?.ready()) === true) {
      learn(item, await writer.addPieces(added, () => this.#pieceOf(item)));
      return;
    }
    const file = item.origin.content.open(item.entry);
    try {
      learn(item, await writer.addFile(added, (buffer) => file.read(buffer)));
    } finally {
      file.close();
    }
  }

  close(): void {
    this.#ahead?.close();
  }

  async #pieceOf(item: CopiedItem): Promise<LayerPiece> {
    if ((await this.#ahead?.ready()) === true) return this.#takeOf(item);
    // The other thread gave up in the middle of the file. Opening it says why; it may look well again by now.
    item.origin.content.open(item.entry).close();
    throw fileChanged(item.entry);
  }

  #takeOf(item: CopiedItem): LayerPiece {
    const piece = this.#ahead?.take();
    if (piece === undefined || piece.entry.path !== item.entry.path) {
      throw new TypeError('files are read ahead in another order than they are written');
    }
    return piece;
  }
}

function learn({ entry, origin }: CopiedItem, sha256: string): void {
  const known = origin.content.knownSha256(entry);
  if (known !== undefined && known !== sha256) throw fileChanged(entry);
  if (known === undefined) origin.content.remember(entry, sha256);
}

function fileChanged(entry: SourceEntry): BuildError {
  return new BuildError('FILE_CHANGED', `${printablePath(entry.path)} changed while it was copied`, {
    hint: 'build again when nothing writes to the files any more',
  });
}
