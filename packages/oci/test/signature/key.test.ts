import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ed25519Bytes, generateKeyPair, signerKey, verifierKey } from '../../src/signature/key.ts';

const pem = (
  key: { export(options: { type: 'pkcs8' | 'sec1' | 'spki'; format: 'pem' }): string | Buffer },
  type: 'pkcs8' | 'sec1' | 'spki' = 'pkcs8',
): string => key.export({ type, format: 'pem' }).toString();

describe('keys', () => {
  it.each(['ecdsa-p256', 'ed25519'] as const)('of %s are read back as a pair', (algorithm) => {
    const pair = generateKeyPair(algorithm);
    expect(signerKey(pair.privateKey)).toMatchObject({ algorithm, hint: verifierKey(pair.publicKey).hint });
  });

  it('are read in the form of SEC 1, too', () => {
    const pair = generateKeyPair('ecdsa-p256');
    const sec1 = createPrivateKey(pair.privateKey).export({ type: 'sec1', format: 'pem' }).toString();
    expect(sec1).toContain('BEGIN EC PRIVATE KEY');
    expect(signerKey(sec1).hint).toBe(verifierKey(pair.publicKey).hint);
  });

  it('are read as shared caches write them', () => {
    const { publicKey } = generateKeyPair('ed25519');
    const short = `ed25519:${Buffer.from(ed25519Bytes(verifierKey(publicKey))).toString('base64')}`;
    expect(verifierKey(`${short}\n`).hint).toBe(verifierKey(publicKey).hint);
    expect(() => ed25519Bytes(verifierKey(generateKeyPair('ecdsa-p256').publicKey))).toThrow(/expected ed25519/);
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const p256 = generateKeyPair('ecdsa-p256');
  const locked = createPrivateKey(p256.privateKey)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();

  it.each([
    ['an RSA key', pem(rsa.privateKey), /a key of the kind rsa: expected ECDSA P-256 or ed25519/],
    ['a key on another curve', pem(p384.privateKey), /an EC key on secp384r1/],
    [
      'a key of cosign',
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n',
      /in the format of cosign.*import-key-pair/,
    ],
    ['an older key of cosign', '-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n', /in the format of cosign/],
    ['a key with a passphrase', locked, /encrypted with a passphrase: decrypt it first/],
    ['a public key', p256.publicKey, /signing needs the private key/],
    ['no key', 'secret-text', /not a private key in PEM/],
  ])('that sign: %s is refused', (_name, text, message) => {
    expect(() => signerKey(text)).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID', message: expect.stringMatching(message) }),
    );
    expect(() => signerKey(text)).not.toThrow(/secret-text|AAAA/);
  });

  it.each([
    ['an RSA key', pem(rsa.publicKey, 'spki'), /a key of the kind rsa/],
    ['a private key', p256.privateKey, /verifying needs the public one/],
    ['half a key', p256.publicKey.slice(0, 60), /not a public key in PEM/],
    ['half a short key', 'ed25519:AAAA', /not a public key in PEM/],
  ])('that verify: %s is refused', (_name, text, message) => {
    expect(() => verifierKey(text)).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
