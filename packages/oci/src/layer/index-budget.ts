import { OciError } from '../spec/oci-error.ts';
import type { TarEntry } from '../tar/entry.ts';

/** Most bytes that the names, link targets and attributes of one layer may take: 268 for each of a million entries. */
export const MAX_INDEX_BYTES = 256 * 1024 ** 2;

/** What an entry takes in memory beside its texts, and what an attribute does. */
const ENTRY_BYTES = 60;
const ATTRIBUTE_BYTES = 256;

/**
 * Bounds what is kept in memory of the entries of an archive that anyone may have made. The number of entries alone is no
 * bound: a name may have 4095 bytes and the attributes a mebibyte, and a compressed archive repeats them for next to nothing.
 */
export class IndexBudget {
  readonly #max: number;
  #spent = 0;

  /** @param max bytes; 256 MiB unless told */
  constructor(max = MAX_INDEX_BYTES) {
    this.#max = max;
  }

  /** Counts what is kept of `entry`. @throws OciError `LIMIT_EXCEEDED` */
  spend({ path, linkPath, xattrs }: Pick<TarEntry, 'path' | 'linkPath' | 'xattrs'>): void {
    this.#spent += ENTRY_BYTES + path.length + linkPath.length;
    if (xattrs !== undefined) {
      for (const [name, value] of xattrs) this.#spent += ATTRIBUTE_BYTES + name.length + value.length;
    }
    if (this.#spent > this.#max) throw indexTooLarge(this.#max);
  }
}

/** What is said of a layer whose entries take more than `max` bytes. */
export function indexTooLarge(max: number): OciError {
  const size = max % 1024 ** 2 === 0 ? `${max / 1024 ** 2} MiB` : `${max} bytes`;
  return new OciError(
    'LIMIT_EXCEEDED',
    `the names, link targets and attributes of its entries take more than ${size}, the limit for one layer`,
    { fields: { limit: max } },
  );
}
