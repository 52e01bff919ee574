import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { ed25519Bytes } from '@tsbuild/oci/internal';
import { generateKeyPair, type SignerKey, signerKey, verifierKey } from '@tsbuild/oci/node';
import { BuildError } from '../../diagnostics/build-error.ts';
import { encodeSharedRecord, type SharedRecord } from './shared-record.ts';

/** Keeps signatures of records apart from those of anything else that such a key may sign. */
const CONTEXT = 'tsbuild.record.sig.v1';

/** A key that vouches for records. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly kid: string;
  /** `ed25519:…`, for those who are to trust it. */
  readonly publicKey: string;
}

/** A key whose signatures count. */
export interface TrustedKey {
  readonly key: KeyObject;
  readonly kid: string;
}

/** Makes a new key. @returns the private key as PEM (PKCS #8), and the public one as `ed25519:…` */
export function generateSigningKey(): { readonly pem: string; readonly publicKey: string; readonly kid: string } {
  const { privateKey: pem } = generateKeyPair('ed25519');
  const { publicKey, kid } = signingKey(pem);
  return { pem, publicKey, kid };
}

/** Reads a private key: PEM, PKCS #8. @throws BuildError `OPTION_INVALID`, which says nothing of the key */
export function signingKey(pem: string): SigningKey {
  let key: SignerKey;
  try {
    key = signerKey(pem);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BuildError('OPTION_INVALID', `the signing key of the cache cannot be used: ${why}`, {
      hint: 'make one with: tsbuild cache keygen',
    });
  }
  if (key.algorithm !== 'ed25519') {
    throw new BuildError('OPTION_INVALID', `the signing key of the cache is ${key.algorithm}, not ed25519`);
  }
  const raw = Buffer.from(ed25519Bytes(key));
  return { privateKey: key.privateKey, kid: kidOf(raw), publicKey: `ed25519:${raw.toString('base64')}` };
}

/** Reads `ed25519:…`. @throws BuildError `OPTION_INVALID` */
export function trustedKey(text: string): TrustedKey {
  if (!/^ed25519:[A-Za-z0-9+/]{43}=$/.test(text.trim())) {
    throw new BuildError(
      'OPTION_INVALID',
      `${JSON.stringify(text)} is no public key: expected ed25519: and 44 characters`,
      {
        hint: 'tsbuild cache keygen prints it',
      },
    );
  }
  const key = verifierKey(text);
  return { key: key.publicKey, kid: kidOf(ed25519Bytes(key)) };
}

/**
 * The record with a signature over all of it and the scope: neither can its result be moved to another key, nor the record
 * to another repository.
 */
export function signRecord(record: SharedRecord, scope: string, { privateKey, kid }: SigningKey): SharedRecord {
  const value = sign(null, signedBytes(record, scope), privateKey).toString('base64');
  return { ...record, signature: { kid, alg: 'ed25519', value } };
}

/** What is wrong with a record's signature, for people; undefined when one of `trusted` has signed it for this scope. */
export function signatureFault(
  record: SharedRecord,
  scope: string,
  trusted: readonly TrustedKey[],
): string | undefined {
  const { signature } = record;
  if (signature === undefined) return 'it is not signed';
  const signer = trusted.find(({ kid }) => kid === signature.kid);
  if (signer === undefined)
    return `it is signed by ${JSON.stringify(signature.kid.slice(0, 16))}, which is not trusted`;
  const isGood = verify(null, signedBytes(record, scope), signer.key, Buffer.from(signature.value, 'base64'));
  return isGood ? undefined : 'its signature is not of this record in this place';
}

function signedBytes(record: SharedRecord, scope: string): Buffer {
  const text = encodeSharedRecord(withoutSignature(record));
  return Buffer.from(`${CONTEXT}\n${JSON.stringify(scope)}\n${text}`);
}

function withoutSignature(record: SharedRecord): SharedRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== 'signature')) as unknown as SharedRecord;
}

function kidOf(raw: Uint8Array): string {
  return createHash('sha256').update(raw).digest('hex').slice(0, 16);
}
