import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { OciError } from '../spec/oci-error.ts';

/** How a key signs: ECDSA on the curve P-256 with SHA-256, or ed25519 (RFC 8032). cosign reads both. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ed25519';

/** A key that signatures are checked with. */
export interface VerifierKey {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: KeyObject;
  /** The key's name in bundles, as cosign makes it: the base64 SHA-256 of its SubjectPublicKeyInfo. It proves nothing. */
  readonly hint: string;
}

/** A key that signs. */
export interface SignerKey extends VerifierKey {
  readonly privateKey: KeyObject;
}

/** `ed25519:` and the 32 bytes in base64: how the keys of shared caches are written in configurations. */
const SHORT_KEY = /^ed25519:([A-Za-z0-9+/]{43}=)$/;

/** SubjectPublicKeyInfo of an ed25519 key up to its 32 bytes (RFC 8410). */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Reads a private key: PEM with PKCS #8 (`PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`), ECDSA P-256 or ed25519.
 * @throws OciError `KEY_INVALID`; the message says nothing of the key
 * @example
 *   const key = signerKey(await readFile('release.pem', 'utf8'));
 */
export function signerKey(pem: string): SignerKey {
  refuseEncrypted(pem);
  if (/-----BEGIN (?:PUBLIC KEY|CERTIFICATE)-----/.test(pem)) {
    throw invalid('this is a public key or certificate: signing needs the private key');
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    // What the parser says may quote the text.
    throw invalid('this is not a private key in PEM (PRIVATE KEY or EC PRIVATE KEY)');
  }
  const algorithm = algorithmOf(privateKey);
  const publicKey = createPublicKey(privateKey);
  return { algorithm, privateKey, publicKey, hint: hintOf(publicKey) };
}

/**
 * Reads a public key: PEM (`PUBLIC KEY`), or `ed25519:` and 32 bytes in base64.
 * @throws OciError `KEY_INVALID`
 * @example
 *   const key = verifierKey(await readFile('release.pub', 'utf8'));
 */
export function verifierKey(text: string): VerifierKey {
  const short = SHORT_KEY.exec(text.trim())?.[1];
  if (short !== undefined) {
    const key = Buffer.concat([ED25519_PREFIX, Buffer.from(short, 'base64')]);
    return described(createPublicKey({ key, format: 'der', type: 'spki' }));
  }
  // node:crypto would derive the public key. Whoever verifies should not have the private one.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw invalid('this is a private key: verifying needs the public one (openssl pkey -in KEY -pubout)');
  }
  if (!text.includes('-----BEGIN PUBLIC KEY-----')) throw invalid('this is not a public key in PEM (PUBLIC KEY)');
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey(text);
  } catch (cause) {
    throw invalid('this is not a public key in PEM (PUBLIC KEY)', cause);
  }
  return described(publicKey);
}

/** Makes a new pair of keys. @returns PKCS #8 and SubjectPublicKeyInfo, both as PEM */
export function generateKeyPair(algorithm: KeyAlgorithm): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** The 32 bytes of an ed25519 key. @throws OciError `KEY_INVALID` for another kind of key */
export function ed25519Bytes({ algorithm, publicKey }: VerifierKey): Uint8Array {
  if (algorithm !== 'ed25519') throw invalid(`this is an ${algorithm} key: expected ed25519`);
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(ED25519_PREFIX.length);
}

/** Signs bytes: an ASN.1 signature for ECDSA, 64 bytes for ed25519. */
export function signBytes(bytes: Uint8Array, { algorithm, privateKey }: SignerKey): Uint8Array {
  return sign(hashOf(algorithm), bytes, privateKey);
}

/** Whether a signature is of these bytes and by this key. */
export function isSignatureOf(signature: Uint8Array, bytes: Uint8Array, key: VerifierKey): boolean {
  return verify(hashOf(key.algorithm), bytes, key.publicKey, signature);
}

function described(publicKey: KeyObject): VerifierKey {
  return { algorithm: algorithmOf(publicKey), publicKey, hint: hintOf(publicKey) };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyAlgorithm {
  if (asymmetricKeyType === 'ed25519') return 'ed25519';
  const { namedCurve } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ecdsa-p256';
  const what =
    asymmetricKeyType === 'ec'
      ? `an EC key on ${namedCurve ?? 'an unnamed curve'}`
      : `a key of the kind ${asymmetricKeyType}`;
  throw invalid(`this is ${what}: expected ECDSA P-256 or ed25519`);
}

function refuseEncrypted(pem: string): void {
  if (/-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/.test(pem)) {
    throw invalid(
      'this key is encrypted in the format of cosign, which is not read here: sign with cosign, or make a key by openssl and import it into cosign (cosign import-key-pair)',
    );
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw invalid('this key is encrypted with a passphrase: decrypt it first (openssl pkey -in KEY -out PLAIN)');
  }
}

function hintOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

/** ed25519 hashes by itself. */
function hashOf(algorithm: KeyAlgorithm): string | null {
  return algorithm === 'ed25519' ? null : 'sha256';
}

function invalid(message: string, cause?: unknown): OciError {
  return new OciError('KEY_INVALID', message, { cause });
}
