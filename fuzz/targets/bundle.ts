import { createPrivateKey } from 'node:crypto';
import { decodeBundle } from '../../packages/oci/src/signature/sigstore-bundle.ts';
import { signManifest, verifyManifestSignature } from '../../packages/oci/src/signature/image-signature.ts';
import { signerKey } from '../../packages/oci/src/signature/key.ts';
import { sha256Digest } from '../../packages/oci/src/spec/digest.ts';
import { mutateJson } from '../mutate/json.ts';
import { mustHold, pureTarget } from '../target.ts';

/** An ed25519 key (RFC 8410) of zeros, so that the seeds are the same on every machine. */
const KEY_OF_ZEROS = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32)]);
const NAMES = ['mediaType', 'verificationMaterial', 'publicKey', 'hint', 'certificate', 'dsseEnvelope', 'payload'];
const MORE_NAMES = ['payloadType', 'signatures', 'sig', 'keyid', 'messageSignature'];
const IMAGE = sha256Digest('an image');

function key(): ReturnType<typeof signerKey> {
  const privateKey = createPrivateKey({ key: KEY_OF_ZEROS, format: 'der', type: 'pkcs8' });
  return signerKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

/** Whatever becomes of a bundle: it is refused, or says what was signed. */
export const sigstoreBundle = pureTarget('sigstore-bundle', {
  seeds: () => [signManifest(IMAGE, key()), signManifest(sha256Digest('another'), key())],
  mutate: mutateJson([...NAMES, ...MORE_NAMES]),
  run: (input) => {
    const signer = key();
    const { envelope, hint } = decodeBundle(input);
    const signed = decodeBundle(signManifest(IMAGE, signer)).envelope;
    verifyManifestSignature(input, IMAGE, signer);
    mustHold(Buffer.compare(envelope.payload, signed.payload) === 0, 'another payload passes for what was signed');
    mustHold(envelope.payloadType === signed.payloadType, 'another payload type passes for what was signed');
    return `${hint === signer.hint} ${envelope.signatures[0]?.keyid === undefined}`;
  },
});
