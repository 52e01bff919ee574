import type { TarEntry } from './entry.ts';

/** One member of an archive. `content` may be read once, before the next member is asked for; unread bytes are skipped. */
export interface TarMember {
  readonly entry: TarEntry;
  /** Position of the content in the archive, bytes. */
  readonly offset: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Bounds of {@link readTar}. */
export interface ReadTarOptions {
  /** Largest PAX header or GNU long name, bytes; 1 MiB unless told. */
  readonly maxMetadataBytes?: number;
}

/** Reads a tar archive as it streams in. */
export function readTar(
  source: AsyncIterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<TarMember, void, undefined> {
  throw new Error(`not there yet: ${typeof source} ${options.maxMetadataBytes}`);
}
