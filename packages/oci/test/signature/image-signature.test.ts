import { describe, expect, it } from 'vitest';
import { sha256Digest } from '../../src/spec/digest.ts';
import { preAuthEncoding } from '../../src/signature/dsse-envelope.ts';
import { signManifest, verifyManifestSignature } from '../../src/signature/image-signature.ts';
import { generateKeyPair, signBytes, signerKey, verifierKey } from '../../src/signature/key.ts';
import type { KeyAlgorithm } from '../../src/signature/key.ts';
import { decodeBundle, SIGSTORE_BUNDLE } from '../../src/signature/sigstore-bundle.ts';

const ALGORITHMS: readonly KeyAlgorithm[] = ['ecdsa-p256', 'ed25519'];
const pair = generateKeyPair('ecdsa-p256');
const signer = signerKey(pair.privateKey);
const verifier = verifierKey(pair.publicKey);
const IMAGE = sha256Digest('an image');
const IN_TOTO = 'application/vnd.in-toto+json';

interface Bundle {
  mediaType: string;
  verificationMaterial: Record<string, unknown>;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string }[] };
  messageSignature?: unknown;
}
const parsed = (bytes: Uint8Array): Bundle => JSON.parse(new TextDecoder().decode(bytes)) as Bundle;
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const verify = (bundle: Bundle): void => verifyManifestSignature(bytesOf(bundle), IMAGE, verifier);

/** A bundle that our key has signed, of whatever statement. */
function signedStatement(changes: Readonly<Record<string, unknown>>, payloadType = IN_TOTO): Bundle {
  const bundle = parsed(signManifest(IMAGE, signer));
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as object;
  const payload = Buffer.from(JSON.stringify({ ...statement, ...changes }));
  const sig = Buffer.from(signBytes(preAuthEncoding(payloadType, payload), signer)).toString('base64');
  return { ...bundle, dsseEnvelope: { payload: payload.toString('base64'), payloadType, signatures: [{ sig }] } };
}

describe('a signature of a manifest', () => {
  it.each(ALGORITHMS)('is good for the key and the digest, and for no others (%s)', (algorithm) => {
    const own = generateKeyPair(algorithm);
    const bundle = signManifest(IMAGE, signerKey(own.privateKey));
    verifyManifestSignature(bundle, IMAGE, verifierKey(own.publicKey));
    expect(() => verifyManifestSignature(bundle, IMAGE, verifier)).toThrow('it is by another key');
    expect(() => verifyManifestSignature(bundle, sha256Digest('other'), verifierKey(own.publicKey))).toThrow(
      `it is a signature of ${IMAGE}`,
    );
  });

  it('is what cosign 3 writes: its statement, one signature without keyid, the key by its hint', () => {
    const bundle = parsed(signManifest(IMAGE, signer));
    expect(bundle).toEqual({
      mediaType: SIGSTORE_BUNDLE,
      verificationMaterial: { publicKey: { hint: verifier.hint } },
      dsseEnvelope: { payload: expect.any(String), payloadType: IN_TOTO, signatures: [{ sig: expect.any(String) }] },
    });
    expect(JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString())).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: IMAGE.slice('sha256:'.length) } }],
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      predicate: {},
    });
  });

  it('is over the pre-authentication encoding of DSSE', () => {
    const text = new TextDecoder().decode(preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world')));
    expect(text).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('of ed25519 is the same each time', () => {
    const key = signerKey(generateKeyPair('ed25519').privateKey);
    expect(signManifest(IMAGE, key)).toEqual(signManifest(IMAGE, key));
  });
});

const good = (): Bundle => parsed(signManifest(IMAGE, signer));
const envelope = (changes: Partial<Bundle['dsseEnvelope']>): Bundle => {
  const bundle = good();
  return { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, ...changes } };
};
const sigOf = ({ dsseEnvelope }: Bundle): string => dsseEnvelope.signatures[0]?.sig ?? '';
const foreign = (): Bundle => parsed(signManifest(IMAGE, signerKey(generateKeyPair('ecdsa-p256').privateKey)));

/** What attackers and careless writers make of a bundle, and what is said of it. */
const HOSTILE: readonly (readonly [name: string, make: () => unknown, message: RegExp])[] = [
  ['another payload type, unsigned', () => envelope({ payloadType: 'text/plain' }), /payload is "text\/plain"/],
  ['another payload type, signed', () => signedStatement({}, 'application/json'), /payload is "application\/json"/],
  ['no signature', () => envelope({ signatures: [] }), /has 0 signatures: must be exactly one/],
  [
    'two signatures',
    () => envelope({ signatures: [{ sig: sigOf(good()) }, { sig: sigOf(good()) }] }),
    /has 2 signatures/,
  ],
  ['a truncated signature', () => envelope({ signatures: [{ sig: sigOf(good()).slice(0, -3) }] }), /must be base64/],
  [
    'half a signature',
    () => envelope({ signatures: [{ sig: sigOf(good()).slice(0, 40) }] }),
    /does not match what is signed/,
  ],
  ['an empty signature', () => envelope({ signatures: [{ sig: '' }] }), /must be base64/],
  [
    'characters beside base64',
    () => envelope({ payload: `${good().dsseEnvelope.payload.slice(0, -4)} !=` }),
    /payload must be base64/,
  ],
  ['another key', foreign, /it is by another key/],
  [
    'another key that calls itself ours',
    () => ({ ...foreign(), verificationMaterial: { publicKey: { hint: verifier.hint } } }),
    /does not match what is signed/,
  ],
  [
    'a tampered payload',
    () => envelope({ payload: Buffer.from('{"_type":"x"}').toString('base64') }),
    /does not match what is signed/,
  ],
  [
    'the signature of another image',
    () => envelope({ signatures: [{ sig: sigOf(parsed(signManifest(sha256Digest('x'), signer))) }] }),
    /does not match/,
  ],
  [
    'a statement of another image',
    () => parsed(signManifest(sha256Digest('other'), signer)),
    /it is a signature of sha256:/,
  ],
  ['no subject', () => signedStatement({ subject: [] }), /it is a signature of nothing/],
  [
    'an SBOM by the same key',
    () => signedStatement({ predicateType: 'https://spdx.dev/Document' }),
    /it is an attestation/,
  ],
  [
    'a subject with an ambiguous name',
    () => signedStatement({ subject: [{ Digest: {} }] }),
    /must be written "digest"/,
  ],
  [
    'a statement of no known version',
    () => signedStatement({ _type: 'https://example.com/v9' }),
    /signed statement: _type is "https:\/\/example.com\/v9"/,
  ],
  ['a subject twice over', () => signedStatement({ Subject: [] }), /has the key "Subject"/],
  [
    'another version of bundle',
    () => ({ ...good(), mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1' }),
    /mediaType is/,
  ],
  ['a bare message', () => ({ ...good(), messageSignature: { signature: 'AA==' } }), /bare message/],
  [
    'a certificate',
    () => ({ ...foreign(), verificationMaterial: { certificate: { rawBytes: 'AA==' } } }),
    /by a certificate/,
  ],
  [
    'two names of the key',
    () => envelope({ signatures: [{ sig: sigOf(good()), keyid: 'other' }] }),
    /another key than the bundle/,
  ],
  [
    'no verification material',
    () => ({ ...good(), verificationMaterial: null }),
    /verificationMaterial must be an object/,
  ],
  ['no object at all', () => [], /must be an object/],
];

describe('a bundle is refused', () => {
  it.each(HOSTILE)('with %s', (_name, make, message) => {
    expect(() => verify(make() as Bundle)).toThrow(expect.objectContaining({ code: 'SIGNATURE_INVALID' }));
    expect(() => verify(make() as Bundle)).toThrow(message);
  });

  it('when it is no JSON, or far too large', () => {
    expect(() => decodeBundle(Buffer.from('{"mediaType":'))).toThrow(/not a JSON document/);
    expect(() => decodeBundle(Buffer.alloc(9 * 1024 * 1024, ' '))).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
  });
});
