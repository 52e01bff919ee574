import { closeSync, constants, openSync, readSync } from 'node:fs';
import { byteStringToUtf8 } from '@tsbuild/oci';
import { errorCode, type RawPath, rawPath } from '@tsbuild/oci/internal';
import type { LayerPiece, LayerWriter, NewLayerEntry } from '@tsbuild/oci/node';
import type { ContextEntry } from '../context/context-entry.ts';
import { isWorthThread, ReadAhead } from '../context/read-ahead.ts';
import type { FilesAhead } from '../context/source-tree.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import type { ChangedPath } from './diff.ts';

const SECOND = 1_000_000_000n;

/** Brings the bytes of changed files into a layer: read ahead by a second thread where there are many, else one by one. */
export class ChangedContent {
  readonly #root: RawPath;
  readonly #ahead: FilesAhead | undefined;

  private constructor(root: RawPath, ahead: FilesAhead | undefined) {
    this.#root = root;
    this.#ahead = ahead;
  }

  /** Prepares for adding `files`, in this order. Close it in the end. */
  static async open(root: RawPath, files: readonly ChangedPath[]): Promise<ChangedContent> {
    const entries = files.map(plannedFile);
    const ahead = isWorthThread(entries) ? await ReadAhead.start(root.toString('latin1'), entries) : undefined;
    return new ChangedContent(root, ahead);
  }

  /**
   * Adds the next of the files.
   * @throws OciError `LAYER_INVALID` or BuildError `SNAPSHOT_FAILED` when it changes while it is read
   */
  async add(writer: LayerWriter, entry: NewLayerEntry): Promise<void> {
    const ahead = this.#ahead;
    if (ahead === undefined || !(ahead.isReady || (await ahead.ready()))) return addFile(writer, entry, this.#root);
    const piece = ahead.peek();
    if (piece.entry.path !== entry.path)
      throw new TypeError('files are read ahead in another order than they are written');
    if (piece.sha256 === undefined || piece.bytes.length !== entry.size) {
      await writer.addPieces(entry, () => this.#take(entry));
      return;
    }
    ahead.take();
    writer.addBytes(entry, piece.bytes, piece.sha256);
    const rest = writer.rest();
    if (rest !== undefined) await rest;
  }

  close(): void {
    this.#ahead?.close();
  }

  async #take(entry: NewLayerEntry): Promise<LayerPiece> {
    if (this.#ahead !== undefined && (await this.#ahead.ready())) return this.#ahead.take();
    // The other thread gave up in the middle of the file.
    throw new BuildError('SNAPSHOT_FAILED', `/${byteStringToUtf8(entry.path)} changed while the layer was written`);
  }
}

/** What the other thread checks a file by, as Node's own lstat would say it. */
function plannedFile({ path, facts }: ChangedPath): ContextEntry {
  const milliseconds = (seconds: number, nanoseconds: number): number => seconds * 1000 + nanoseconds / 1e6;
  return {
    path,
    type: 'file',
    mode: facts.mode,
    uid: facts.uid,
    gid: facts.gid,
    size: facts.size,
    mtime: facts.mtime,
    linkPath: '',
    devMajor: 0,
    devMinor: 0,
    mtimeMs: milliseconds(facts.mtime.seconds, facts.mtime.nanoseconds),
    ctimeMs: milliseconds(Number(facts.ctime / SECOND), Number(facts.ctime % SECOND)),
    ino: Number(facts.inode),
    dev: Number(facts.device),
  };
}

async function addFile(writer: LayerWriter, entry: NewLayerEntry, root: RawPath): Promise<void> {
  let fd: number;
  try {
    fd = openSync(rawPath(root, entry.path), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    throw new BuildError('SNAPSHOT_FAILED', `/${byteStringToUtf8(entry.path)} vanished while the layer was written`, {
      cause,
    });
  }
  try {
    await writer.addFile(entry, (buffer) => readSync(fd, buffer, 0, buffer.length, null));
  } finally {
    closeSync(fd);
  }
}
