import { Field } from '../spec/json-document.ts';
import type { DocumentKind } from '../spec/json-document.ts';
import { decodeEnvelope, envelopeDocument } from './dsse-envelope.ts';
import type { DsseEnvelope } from './dsse-envelope.ts';

/** The media type of a Sigstore bundle 0.3, the artifact type of what is stored beside an image, and its version within. */
export const SIGSTORE_BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** An envelope with what it is verified by. */
export interface SigstoreBundle {
  readonly envelope: DsseEnvelope;
  /** A name for the public key; undefined where a certificate vouches for the key (keyless signing). */
  readonly hint: string | undefined;
}

const KIND: DocumentKind = { name: 'Sigstore bundle', code: 'SIGNATURE_INVALID' };

/**
 * Writes a bundle for a key that verifiers have already: no certificate, no entry of a transparency log. The signature's
 * `keyid` stays empty, as cosign leaves it: sigstore-go skips signatures whose `keyid` is not the key's SSH fingerprint.
 * @see https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
 */
export function encodeBundle(envelope: DsseEnvelope, hint: string): Uint8Array {
  const document = {
    mediaType: SIGSTORE_BUNDLE,
    verificationMaterial: { publicKey: { hint } },
    dsseEnvelope: envelopeDocument(envelope),
  };
  return new TextEncoder().encode(JSON.stringify(document));
}

/**
 * Reads a bundle that holds an envelope with exactly one signature, as the specification demands of verifiers. Nothing is
 * verified yet.
 * @throws OciError `SIGNATURE_INVALID`, `LIMIT_EXCEEDED`
 */
export function decodeBundle(bytes: Uint8Array): SigstoreBundle {
  const root = Field.parse(bytes, KIND);
  root.refuseCaseVariants(['mediaType', 'verificationMaterial', 'dsseEnvelope', 'messageSignature']);
  const mediaType = root.member('mediaType');
  if (mediaType.string() !== SIGSTORE_BUNDLE)
    mediaType.fail(`is ${JSON.stringify(mediaType.value)}, not ${SIGSTORE_BUNDLE}`);
  const material = root.member('verificationMaterial');
  material.refuseCaseVariants(['publicKey', 'certificate', 'x509CertificateChain']);
  const hint = material
    .member('publicKey')
    .optional((key) => key.member('hint').optional((text) => text.string()) ?? '');
  if (root.member('messageSignature').present) root.fail('signs a bare message, not a statement about an image');
  const envelope = decodeEnvelope(root.member('dsseEnvelope'));
  const [signature] = envelope.signatures;
  const signatures = root.member('dsseEnvelope').member('signatures');
  if (envelope.signatures.length !== 1 || signature === undefined) {
    return signatures.fail(`has ${envelope.signatures.length} signatures: must be exactly one`);
  }
  const keyid = signature.keyid ?? '';
  if (hint !== undefined && keyid !== '' && keyid !== hint) signatures.fail('names another key than the bundle does');
  return { envelope, hint };
}
