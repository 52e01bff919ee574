/** The one extended attribute that images carry: what a program may do without being root (capabilities(7)). */
const CAPABILITY = 'security.capability';

/** What of a file's extended attributes enters a layer, as BuildKit has it; undefined when nothing does. */
export function keptXattrs(
  xattrs: ReadonlyMap<string, Uint8Array> | undefined,
): ReadonlyMap<string, Uint8Array> | undefined {
  const capability = xattrs?.get(CAPABILITY);
  return capability === undefined ? undefined : new Map([[CAPABILITY, capability]]);
}
