import { OciError } from '../spec/oci-error.ts';
import { unreadable } from './package-file.ts';

/**
 * Unpacks deflated data, with zlib's frame or (in zip archives) without, never beyond `most` bytes: a few bytes can tell of any
 * number. @throws OciError `LIMIT_EXCEEDED`, `UNSUPPORTED` when the data is damaged
 */
export async function inflate(
  packed: Uint8Array,
  format: 'deflate' | 'deflate-raw',
  most: number,
): Promise<Uint8Array> {
  const stream = new DecompressionStream(format);
  const writer = stream.writable.getWriter();
  // What goes wrong shows at the reading end.
  const written = Promise.allSettled([writer.write(packed.slice()), writer.close()]);
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > most) throw new OciError('LIMIT_EXCEEDED', `it unpacks to more than ${most} bytes`);
      parts.push(value);
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    throw error instanceof OciError ? error : unreadable('its compressed data is damaged');
  } finally {
    await written;
  }
  return joined(parts, size);
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
