import { type ByteString, byteStringToUtf8 } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';

const SHOWN = 120;

/**
 * A stored name as text for a message: decoded as UTF-8, control characters escaped (they could redraw a terminal), cut
 * at 120 characters, in quotes.
 */
export function displayName(name: ByteString): string {
  const text = byteStringToUtf8(name).replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped.
    /[\x00-\x1f\x7f-\x9f]/g,
    (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return text.length > SHOWN ? `'${text.slice(0, SHOWN)}…'` : `'${text}'`;
}

/** A `TAR_INVALID` error: what is wrong and, when known, in which member. */
export function tarInvalid(reason: string, name?: ByteString): OciError {
  if (name === undefined) return new OciError('TAR_INVALID', `invalid tar archive: ${reason}`);
  return new OciError('TAR_INVALID', `invalid tar archive: ${reason} in ${displayName(name)}`, {
    fields: { path: byteStringToUtf8(name) },
  });
}
