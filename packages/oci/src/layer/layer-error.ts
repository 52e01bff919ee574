import { type ByteString, byteStringToUtf8 } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import { displayName } from '../tar/tar-error.ts';

/** A `LAYER_INVALID` error about one entry: its name, what is wrong, and what to do when there is something to do. */
export function layerInvalid(path: ByteString, reason: string): OciError {
  return new OciError('LAYER_INVALID', `layer entry ${displayName(path)}: ${reason}`, {
    fields: { path: byteStringToUtf8(path) },
  });
}
