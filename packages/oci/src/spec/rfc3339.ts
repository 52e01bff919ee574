/**
 * A point in time (milliseconds since 1970) as Go writes it in image documents: RFC 3339, UTC, no trailing zeros in the
 * fraction. Engines write documents anew in this form, so ours must have it from the start.
 */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.?0*Z$/, 'Z');
}
