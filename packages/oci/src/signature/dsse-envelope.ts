import type { Field } from '../spec/json-document.ts';

/** A payload with its signatures (DSSE, "Dead Simple Signing Envelope"). */
export interface DsseEnvelope {
  /** What the payload is; it is signed along with it. */
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly DsseSignature[];
}

/** One signature of an envelope. */
export interface DsseSignature {
  readonly sig: Uint8Array;
  /** A hint at the key. It is not signed, and proves nothing. */
  readonly keyid?: string;
}

/**
 * The bytes that are signed: type and payload, each behind its length, so that neither can be taken for the other.
 * @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = new TextEncoder().encode(payloadType);
  const head = new TextEncoder().encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  return Buffer.concat([head, payload]);
}

/** The envelope as JSON data. */
export function envelopeDocument({
  payload,
  payloadType,
  signatures,
}: DsseEnvelope): Readonly<Record<string, unknown>> {
  return {
    payload: base64(payload),
    payloadType,
    signatures: signatures.map(({ sig, keyid }) => ({ sig: base64(sig), ...(keyid !== undefined && { keyid }) })),
  };
}

/** Reads an envelope strictly: base64 with padding, no further characters, nothing empty. @throws OciError of the field's kind */
export function decodeEnvelope(field: Field): DsseEnvelope {
  field.refuseCaseVariants(['payload', 'payloadType', 'signatures']);
  return {
    payloadType: field.member('payloadType').string(),
    payload: bytesOf(field.member('payload')),
    signatures: field
      .member('signatures')
      .items()
      .map((item) => {
        item.refuseCaseVariants(['sig', 'keyid']);
        const keyid = item.member('keyid').optional((id) => id.string());
        return { sig: bytesOf(item.member('sig')), ...(keyid !== undefined && { keyid }) };
      }),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** Node skips what is no base64; two readers would then see two signatures. */
function bytesOf(field: Field): Uint8Array {
  const text = field.string();
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== text) field.fail('must be base64 (RFC 4648, with padding)');
  return bytes;
}
