/** File capabilities: what a program may do without being root (capabilities(7)). The one attribute that built layers hold. */
export const CAPABILITY_XATTR = 'security.capability';

/** {@link isKeptXattr} in the form that getfattr takes (`-m`). */
export const KEPT_XATTR_PATTERN = '^(security\\.capability$|user\\.)';

/**
 * True for an attribute that goes from a layer to the disk, and from a directory into a layer: file capabilities, and those
 * of ordinary users. All others mean this machine (SELinux labels, ACLs of its users) or the overlay that a file lies in.
 */
function isKeptXattr(name: string): boolean {
  return (name === CAPABILITY_XATTR || name.startsWith('user.')) && !isOverlayXattr(name);
}

/** Those attributes of an entry; undefined when there are none. */
export function keptXattrs(
  xattrs: ReadonlyMap<string, Uint8Array> | undefined,
): ReadonlyMap<string, Uint8Array> | undefined {
  if (xattrs === undefined) return undefined;
  const kept = new Map([...xattrs].filter(([name]) => isKeptXattr(name)));
  return kept.size === 0 ? undefined : kept;
}

/**
 * True for the attributes by which overlayfs marks its own directories. In an archive they would forge whiteouts and
 * redirects of whatever overlay the layer is mounted in, so they are neither read nor written.
 */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');
}
