import type { Digest } from '@tsbuild/oci';

/** An image ID as listings show it: twelve digits, or all with the algorithm. */
export function shownId(id: Digest, whole: boolean): string {
  return whole ? id : id.slice(id.indexOf(':') + 1, id.indexOf(':') + 13);
}
