import type { ByteString } from '@tsbuild/oci';

/** What of a file's lstat tells that its content is still the one that was hashed. Times in ms since 1970. */
export interface FileIdentity {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
}

/** Content digests of a context's files, remembered from build to build. */
export class StatCache {
  /** Reads the cache of the context `root` from `file`; a missing or damaged file is an empty cache. Without `file`: in memory only. */
  static open(_root: string, _file?: string): StatCache {
    throw new Error('not implemented');
  }

  /** The digest (sha256, hexadecimal) of the file's content, if its identity is the remembered one. */
  get(_path: ByteString, _identity: FileIdentity): string | undefined {
    throw new Error('not implemented');
  }

  /** Remembers a digest; `seenAt` is when the identity was read (ms since 1970), at the latest. */
  set(_path: ByteString, _identity: FileIdentity, _sha256: string, _seenAt: number): void {
    throw new Error('not implemented');
  }

  /** Writes the file if something changed. Returns what went wrong, for a notice; a build never fails for it. */
  save(): Error | undefined {
    throw new Error('not implemented');
  }
}
