import type { ByteString } from '@tsbuild/oci';
import type { KeptTimes } from './kept-times.ts';
import { findSharedMappings, type SharedMappings } from './shared-mappings.ts';

/** When a file was written, and where it is. */
export interface FileTimes {
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  readonly dev: number;
}

/**
 * The kernel writes dirty pages back after 30 seconds and looks for them every 5 (vm.dirty_expire_centisecs,
 * vm.dirty_writeback_centisecs); then a store through a mapping moves the file's times again. Far more than that.
 */
const WRITTEN_BACK_MS = 120_000;

/**
 * Decides which of a context's files need not be read again while their lstat stays the same: whether every later change
 * of the content must show in it.
 */
export class Lasting {
  readonly #times: KeptTimes;
  /** Not after any lstat of the context. */
  readonly #seenAt: number;
  #mappings: SharedMappings | undefined;

  constructor(times: KeptTimes, seenAt: number) {
    this.#times = times;
    this.#seenAt = seenAt;
  }

  /** What the file system and the clock say; {@link mayBeMapped} is the other half. */
  isKept({ mtimeMs, ctimeMs, dev }: Omit<FileTimes, 'ino'>, path: () => ByteString): boolean {
    return !isRacy(mtimeMs, ctimeMs, this.#seenAt) && this.#times.keeps(dev, path);
  }

  /** Whether its pages may still be dirty, so that a store to them would move no time. */
  isRecent({ ctimeMs }: Pick<FileTimes, 'ctimeMs'>): boolean {
    return ctimeMs > this.#seenAt - WRITTEN_BACK_MS;
  }

  /**
   * To be told before the content of a file is read: mappings that are made later than this move the file's ctime past the
   * moment at which the context was opened, which {@link isRacy} then sees.
   */
  beforeReading(file: Pick<FileTimes, 'ctimeMs'>): void {
    if (this.#mappings === undefined && this.isRecent(file)) this.#mappings = findSharedMappings();
  }

  /** Of a file that {@link isRecent}. When no file had to be read, an earlier build has answered this. */
  mayBeMapped(ino: number): boolean {
    if (this.#mappings === undefined) return false;
    return !this.#mappings.isComplete || this.#mappings.inodes.has(ino);
  }
}

/**
 * How far a file's time may lag behind the real one. Linux stamps files with the time of its last tick, at most 10 ms
 * ago (HZ=100): twice that, for a clock that is read in whole milliseconds.
 */
const TICK_MS = 20;

/** Whether a write after `seenAt` (ms since 1970) could leave the very same times. */
export function isRacy(mtimeMs: number, ctimeMs: number, seenAt: number): boolean {
  // A ctime of whole seconds is no work of this machine's clock: the file system keeps no finer ones (ext3), or is an image
  // whose times a program has set, as mkfs does.
  if (ctimeMs % 1000 === 0) return true;
  // A ctime ahead of us (a server's clock, or ours was set back) will be reached yet. An mtime far ahead was set on purpose
  // and moves on a write.
  return ctimeMs > seenAt - TICK_MS || Math.abs(seenAt - mtimeMs) < TICK_MS;
}
