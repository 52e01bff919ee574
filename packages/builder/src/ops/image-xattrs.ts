import { CAPABILITY_XATTR } from '@tsbuild/oci/internal';

/** What of a file's extended attributes enters a layer, as BuildKit has it; undefined when nothing does. */
export function imageXattrs(
  xattrs: ReadonlyMap<string, Uint8Array> | undefined,
): ReadonlyMap<string, Uint8Array> | undefined {
  const capability = xattrs?.get(CAPABILITY_XATTR);
  return capability === undefined ? undefined : new Map([[CAPABILITY_XATTR, capability]]);
}
