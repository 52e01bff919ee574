import type { ByteString, TarEntry, TarEntryType } from '@tsbuild/oci';

/** One path of a {@link SourceTree}, not followed when it is a symlink; the root's path is empty. */
export interface SourceEntry extends Omit<TarEntry, 'type'> {
  /** `socket` entries are listed so that callers can skip them with a note. */
  readonly type: Exclude<TarEntryType, 'hardlink'> | 'socket';
  /** Files with more than one name carry the same key; undefined when there is only one name. */
  readonly hardLinkKey?: string;
}

/** One open file of a {@link SourceTree}. */
export interface SourceReader {
  /** Fills `buffer` with the next bytes; returns how many, 0 at the end. */
  read(buffer: Uint8Array): number;
  /** Fills `buffer` from `position` instead, where the source can; what {@link read} gives next does not change. */
  readAt?(buffer: Uint8Array, position: number): number;
  close(): void;
}

/** A piece of a file that was read ahead. */
export interface PieceAhead {
  readonly entry: SourceEntry;
  /** Valid until the next call of `ready`. */
  readonly bytes: Uint8Array;
  /** Of the whole file, hexadecimal, with its last (or only) piece; the file is then known to be what `entry` says. */
  readonly sha256: string | undefined;
}

/** Files that are read ahead, one after the other, in the order that was asked for. */
export interface FilesAhead {
  /** Whether {@link take} can be called right now. */
  readonly isReady: boolean;
  /** Settles when a piece can be taken; false when there will be none any more, at the end or as a file could not be read. */
  ready(): Promise<boolean>;
  /** What {@link take} will give. */
  peek(): PieceAhead;
  take(): PieceAhead;
  close(): void;
}

/** Stands for all that can be told of files without reading them. */
export interface TreeFingerprint {
  /** sha256, hexadecimal. */
  readonly digest: string;
  /** Whether the same fingerprint means the same files in later builds, too. Asked when the files were read that had to be. */
  isLasting(): boolean;
}

/**
 * What COPY reads from: a build context (minus what `.dockerignore` leaves out) or the files of a stage or image.
 * All paths are relative to the root and never leave it: symlinks resolve inside it, `..` stops at it.
 */
export interface SourceTree {
  /** The entry at exactly this path (its parents must be real directories), or undefined when missing or ignored. */
  lookup(path: ByteString): SourceEntry | undefined;
  /** The children of a directory, sorted by bytes, without what is ignored (a directory stays when something in it does). */
  list(directory: ByteString): readonly SourceEntry[];
  /** Follows symlinks in every component, inside the root; undefined when the target is missing, ignored or a loop. */
  resolve(path: ByteString): ByteString | undefined;
  /** sha256 of a file's content, hexadecimal: remembered where the tree can tell that the file did not change. */
  contentSha256(entry: SourceEntry): string;
  /** The digest if it is known without reading the file. */
  knownSha256(entry: SourceEntry): string | undefined;
  /** Tells the tree a digest learnt while the file was read for another reason. */
  remember(entry: SourceEntry, sha256: string): void;
  /** @throws BuildError `FILE_CHANGED` when the file vanished or is no longer what `entry` says. */
  open(entry: SourceEntry): SourceReader;
  /** Names the place from build to build, where the files stay in one. */
  readonly place?: ByteString;
  /** Learns the digests of these files, faster than one by one where there are many. @throws as {@link contentSha256} */
  learnAll?(entries: readonly SourceEntry[], signal: AbortSignal): Promise<void>;
  /** Of an entry and everything below it: while it stays the same, so do the files. Only where no file is read for it. */
  fingerprint?(entry: SourceEntry): TreeFingerprint;
  /** Told of a `FILE_CHANGED`, the tree looks at its files again: what is planned from now on may be another. */
  recover?(path: ByteString): void;
  /** Whether a file of this name was there in an earlier build, with whatever content. */
  wasSeen?(entry: SourceEntry): boolean;
  /** Begins to read these files, in this order; undefined where reading one by one is as good. */
  readAhead?(entries: readonly SourceEntry[]): Promise<FilesAhead | undefined>;
}
