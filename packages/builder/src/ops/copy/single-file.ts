import { createHash } from 'node:crypto';
import { type BlobReader, type BlobStore, digestHex, utf8ToByteString } from '@tsbuild/oci';
import type { SourceEntry, SourceReader } from '../../context/source-tree.ts';
import type { CopyOrigin } from './copy-item.ts';
import type { RemoteFile } from '../add/remote-sources.ts';

/** A file that is copied on its own. */
export interface SingleFile {
  readonly entry: SourceEntry;
  readonly origin: CopyOrigin;
}

/** The body of a heredoc: 0644, root's, as new as the build. `now` in seconds since 1970. */
export function inlineFile(name: string, text: string, now: number): SingleFile {
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return singleFile(fileEntry(name, 0o644, bytes.length, now), sha256, true, () =>
    readerOf(bytes.length, (buffer, at) => bytes.copy(buffer, 0, at)),
  );
}

/** A downloaded file in the blob store: 0600, root's, as old as the server says. */
export function downloadedFile(name: string, file: RemoteFile, blobs: BlobStore): SingleFile {
  return singleFile(fileEntry(name, 0o600, file.size, file.modified), digestHex(file.digest), false, () => {
    const reader: BlobReader = blobs.openReader(file.digest);
    return readerOf(
      file.size,
      (buffer, position) => reader.read(buffer, position),
      () => reader.close(),
    );
  });
}

function fileEntry(name: string, mode: number, size: number, seconds: number): SourceEntry {
  return {
    path: utf8ToByteString(name),
    type: 'file',
    mode,
    uid: 0,
    gid: 0,
    size,
    mtime: { seconds, nanoseconds: 0 },
    linkPath: '',
    devMajor: 0,
    devMinor: 0,
  };
}

function singleFile(entry: SourceEntry, sha256: string, exactTimes: boolean, open: () => SourceReader): SingleFile {
  const content = { contentSha256: () => sha256, knownSha256: () => sha256, remember: () => {}, open };
  return { entry, origin: { content, exactTimes } };
}

function readerOf(
  size: number,
  readAt: (buffer: Uint8Array, position: number) => number,
  close: () => void = () => {},
): SourceReader {
  let at = 0;
  return {
    read(buffer) {
      const want = Math.min(buffer.length, size - at);
      const count = want <= 0 ? 0 : readAt(buffer.subarray(0, want), at);
      at += count;
      return count;
    },
    readAt,
    close,
  };
}
