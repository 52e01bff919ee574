import type { ByteString } from '@tsbuild/oci';
import type { LayerPiece, LayerWriter, NewLayerEntry } from '@tsbuild/oci/node';
import { fileChanged } from '../../context/context-error.ts';
import type { FilesAhead, SourceEntry } from '../../context/source-tree.ts';
import type { CopiedItem, CopyOrigin, CopyPlan } from './copy-item.ts';
import type { EarlierFile, EarlierLayer } from './earlier-content.ts';

/**
 * Brings the bytes of copied files into the layer: from an earlier layer of the context where they are known to be in it, read
 * ahead by a second thread where there are many, else one by one.
 */
export class CopyContent {
  /** What is read ahead comes from here. */
  readonly #origin: CopyOrigin | undefined;
  readonly #ahead: FilesAhead | undefined;
  readonly #layers: readonly EarlierLayer[];
  readonly #earlier: ReadonlyMap<CopiedItem, EarlierFile>;

  private constructor(
    origin: CopyOrigin | undefined,
    ahead: FilesAhead | undefined,
    layers: readonly EarlierLayer[],
    earlier: ReadonlyMap<CopiedItem, EarlierFile>,
  ) {
    this.#origin = origin;
    this.#ahead = ahead;
    this.#layers = layers;
    this.#earlier = earlier;
  }

  /** Prepares for adding the files of `plan` in its order. Close it, and the layers with it, in the end. */
  static async open(plan: CopyPlan, layers: readonly EarlierLayer[]): Promise<CopyContent> {
    const earlier = new Map<CopiedItem, EarlierFile>();
    let origin: CopyOrigin | undefined;
    const entries: SourceEntry[] = [];
    const groups = new Set<string>();
    for (const [path, item] of plan.items) {
      if (item.kind !== 'copied' || item.entry.type !== 'file' || item.origin.content.readAhead === undefined) continue;
      origin ??= item.origin;
      const { linkGroup } = item;
      if (item.origin !== origin || (linkGroup !== undefined && groups.has(linkGroup))) continue;
      if (linkGroup !== undefined) groups.add(linkGroup);
      const known = layers.length === 0 ? undefined : item.origin.content.knownSha256(item.entry);
      const file = known === undefined ? undefined : findEarlier(layers, path, item.entry.size, known);
      if (file === undefined) entries.push(item.entry);
      else earlier.set(item, file);
    }
    return new CopyContent(origin, await origin?.content.readAhead?.(entries), layers, earlier);
  }

  /** {@link add} where nothing must be waited for: true when the file was added. For ten thousands of small files. */
  addNow(item: CopiedItem, added: NewLayerEntry, writer: LayerWriter): boolean {
    const file = this.#earlier.get(item);
    if (file !== undefined) return addEarlier(item, file, added, writer);
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
    // What an earlier layer should have had was not read ahead.
    if (item.origin === this.#origin && !this.#earlier.has(item) && (await this.#ahead?.ready()) === true) {
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
    for (const layer of this.#layers) layer.close();
  }

  async #pieceOf(item: CopiedItem): Promise<LayerPiece> {
    if ((await this.#ahead?.ready()) === true) return this.#takeOf(item);
    // The other thread gave up in the middle of the file. Opening it says why; it may look well again by now.
    item.origin.content.open(item.entry).close();
    throw fileChanged(item.entry.path, CHANGED);
  }

  #takeOf(item: CopiedItem): LayerPiece {
    const piece = this.#ahead?.take();
    if (piece === undefined || piece.entry.path !== item.entry.path) {
      throw new TypeError('files are read ahead in another order than they are written');
    }
    return piece;
  }
}

function findEarlier(
  layers: readonly EarlierLayer[],
  path: ByteString,
  size: number,
  sha256: string,
): EarlierFile | undefined {
  for (const layer of layers) {
    const found = layer.find(path, size, sha256);
    if (found !== undefined) return found;
  }
  return undefined;
}

function addEarlier(item: CopiedItem, file: EarlierFile, added: NewLayerEntry, writer: LayerWriter): boolean {
  const sha256 = item.origin.content.knownSha256(item.entry);
  const bytes = sha256 === undefined ? undefined : file.layer.read(file.offset, item.entry.size, sha256);
  if (sha256 === undefined || bytes === undefined) return false;
  writer.addBytes(added, bytes, sha256);
  return true;
}

const CHANGED = 'changed while it was copied';

function learn({ entry, origin }: CopiedItem, sha256: string): void {
  const known = origin.content.knownSha256(entry);
  if (known !== undefined && known !== sha256) throw fileChanged(entry.path, CHANGED);
  if (known === undefined) origin.content.remember(entry, sha256);
}
