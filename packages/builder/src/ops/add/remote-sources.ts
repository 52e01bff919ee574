import type { Digest } from '@tsbuild/oci';
import type { GitReference } from './git-reference.ts';
import type { Rootfs } from '../rootfs.ts';

/** A file of a web server, as it is now. */
export interface RemoteFile {
  /** sha256 of the content. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** `Last-Modified`, seconds since 1970; 0 when the server does not say. */
  readonly modified: number;
}

/** A seam: files of web servers, for ADD. */
export interface RemoteFiles {
  /**
   * Finds out what the file is. It may be fetched for that, unless `checksum` names a file that was fetched before, or
   * the server says that it did not change.
   */
  resolve(url: string, checksum: Digest | undefined, signal: AbortSignal): Promise<RemoteFile>;
  /** Sees to it that the content is in the blob store, unchanged. */
  ensure(url: string, file: RemoteFile, signal: AbortSignal): Promise<void>;
}

/** A commit's files (or a folder of them). */
interface GitCheckout {
  /** In full. */
  readonly commit: string;
  /** One layer; its index is at hand, its bytes after `ensure`. */
  readonly rootfs: Rootfs;
  ensure(signal: AbortSignal): Promise<void>;
}

/** A seam: commits of git repositories, for ADD. */
export interface GitCheckouts {
  resolve(reference: GitReference, signal: AbortSignal): Promise<GitCheckout>;
}
