/**
 * True for the attributes by which overlayfs marks its own directories. In an archive they would forge whiteouts and
 * redirects of whatever overlay the layer is mounted in, so they are neither read nor written.
 */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');
}
