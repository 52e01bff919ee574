import { encodeStatement, readStatement, STATEMENT_TYPE } from '../attestation/statement.ts';
import { artifactOf } from '../image/artifact.ts';
import type { Artifact } from '../image/artifact.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm, digestHex } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import type { DocumentKind } from '../spec/json-document.ts';
import { OciError } from '../spec/oci-error.ts';
import { rfc3339 } from '../spec/rfc3339.ts';
import { preAuthEncoding } from './dsse-envelope.ts';
import { isSignatureOf, signBytes } from './key.ts';
import type { SignerKey, VerifierKey } from './key.ts';
import { decodeBundle, encodeBundle, SIGSTORE_BUNDLE } from './sigstore-bundle.ts';

/** The predicate type by which cosign says "this is the image that I sign"; its predicate is empty. */
const COSIGN_SIGN = 'https://sigstore.dev/cosign/sign/v1';

const SIGNED_STATEMENT: DocumentKind = { name: 'signed statement', code: 'SIGNATURE_INVALID' };

/**
 * Signs a manifest or index: the digest, and thereby all that the manifest names by digests.
 * @returns a Sigstore bundle as `cosign sign --key` makes it, without an entry of a transparency log
 * @example
 *   const bundle = signManifest(image.descriptor.digest, signerKey(pem));
 */
export function signManifest(digest: Digest, key: SignerKey): Uint8Array {
  const subject = [{ digest: { [digestAlgorithm(digest)]: digestHex(digest) } }];
  const payload = encodeStatement({ subject, predicateType: COSIGN_SIGN, predicate: {} });
  const sig = signBytes(preAuthEncoding(STATEMENT_TYPE, payload), key);
  return encodeBundle({ payloadType: STATEMENT_TYPE, payload, signatures: [{ sig }] }, key.hint);
}

/**
 * Checks that a bundle is a signature of just this manifest, by just this key. The claim is read only after the signature
 * is known to be good; an attestation by the same key (an SBOM, say) is no signature of the image.
 * @throws OciError `SIGNATURE_INVALID`, which says what is wrong; `LIMIT_EXCEEDED`
 * @example
 *   verifyManifestSignature(bundle, image.descriptor.digest, verifierKey(pem)); // returns, or throws
 */
export function verifyManifestSignature(bundle: Uint8Array, digest: Digest, key: VerifierKey): void {
  const { envelope, hint } = decodeBundle(bundle);
  const { payloadType, payload, signatures } = envelope;
  if (payloadType !== STATEMENT_TYPE) {
    throw invalid(`the signed payload is ${JSON.stringify(payloadType)}, not ${STATEMENT_TYPE}`);
  }
  const signed = preAuthEncoding(payloadType, payload);
  if (!signatures.every(({ sig }) => isSignatureOf(sig, signed, key))) {
    if (hint === undefined) throw invalid('it is by a certificate, not by a key (cosign verifies it)');
    throw invalid(hint === key.hint ? 'the signature does not match what is signed' : 'it is by another key');
  }
  const { predicateType, subject } = readStatement(payload, SIGNED_STATEMENT);
  if (predicateType !== COSIGN_SIGN)
    throw invalid(`it is an attestation (${JSON.stringify(predicateType)}), not a signature of the image`);
  const digests = subject.flatMap((one) => Object.entries(one.digest).map(([algorithm, hex]) => `${algorithm}:${hex}`));
  if (!digests.includes(digest)) throw invalid(`it is a signature of ${digests.join(', ') || 'nothing'}`);
}

/**
 * A bundle as an artifact beside the manifest that it signs, in the form of cosign 3: one layer, and annotations that say
 * what is in it.
 * @param created milliseconds since 1970
 */
export function signatureArtifact(subject: Descriptor, bundle: Uint8Array, created: number): Artifact {
  return artifactOf({
    artifactType: SIGSTORE_BUNDLE,
    files: [{ content: bundle, mediaType: SIGSTORE_BUNDLE }],
    subject,
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': COSIGN_SIGN,
      'org.opencontainers.image.created': rfc3339(Math.floor(created / 1000) * 1000),
    },
  });
}

function invalid(message: string): OciError {
  return new OciError('SIGNATURE_INVALID', message);
}
