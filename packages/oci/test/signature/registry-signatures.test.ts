import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QuirkyRegistry } from '../../testing/quirky-registry/server.ts';
import { sampleImage } from '../../testing/sample-image.ts';
import { artifactOf } from '../../src/image/artifact.ts';
import { addEntry, indexOfImages } from '../../src/image/index-building.ts';
import { withPlatform } from '../../src/image/mutate.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { registryContent, toRegistry } from '../../src/registry/remote-image.ts';
import { signatureArtifact, signManifest } from '../../src/signature/image-signature.ts';
import { generateKeyPair, signerKey, verifierKey } from '../../src/signature/key.ts';
import { signInRegistry, verifyInRegistry } from '../../src/signature/registry-signatures.ts';
import { sha256Digest } from '../../src/spec/digest.ts';
import { parsePlatform } from '../../src/spec/platform.ts';
import { parseReference } from '../../src/spec/reference.ts';
import type { Reference } from '../../src/spec/reference.ts';
import { quietOptions } from '../registry/content.ts';

const pair = generateKeyPair('ecdsa-p256');
const [key, publicKey] = [signerKey(pair.privateKey), verifierKey(pair.publicKey)];
const CREATED = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

// The one has the referrers API, the other has not.
describe.each(['dist3', 'dist2'] as const)('signatures in a registry like %s', (profile) => {
  let registry: QuirkyRegistry;
  let client: RegistryClient;
  beforeEach(async () => {
    registry = await QuirkyRegistry.start(profile);
    client = new RegistryClient(quietOptions());
  });
  afterEach(async () => {
    client.close();
    await registry[Symbol.asyncDispose]();
  });
  const named = (name: string): Reference => parseReference(`${registry.host}/${name}`);

  /** Two platforms, and an attestation of the first. */
  async function pushIndex(): Promise<Reference> {
    const sample = await sampleImage([[{ name: 'a', content: 'a' }]]);
    const images = ['linux/amd64', 'linux/arm64'].map((text) => withPlatform(sample, parsePlatform(text)));
    const index = indexOfImages(images);
    await toRegistry(client, named('app:images'), index);
    const [first] = index.index.manifests;
    if (first === undefined) throw new Error('an index of two images has two entries');
    const attestation = artifactOf({
      artifactType: 'application/vnd.docker.attestation.manifest.v1+json',
      files: [{ content: '{}' }],
    });
    await toRegistry(client, { ...named('app'), digest: attestation.descriptor.digest }, attestation);
    const entry = {
      ...attestation.descriptor,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': first.digest },
    };
    await toRegistry(client, named('app:1'), addEntry(index, entry, registryContent(client, named('app'))));
    return named('app:1');
  }

  it('cover the index, each image and each attestation, once', async () => {
    const reference = await pushIndex();
    const signed = await signInRegistry(client, reference, key, { created: CREATED });
    expect(signed.map(({ role, platform }) => `${role} ${platform ?? ''}`.trim())).toEqual([
      'index',
      'image linux/amd64',
      'image linux/arm64',
      'attestation linux/amd64',
    ]);
    expect(signed.every(({ signature }) => signature !== undefined)).toBe(true);
    for (const { descriptor } of signed) {
      const found = await client.referrers({ ...named('app'), digest: descriptor.digest });
      expect(found).toEqual([
        expect.objectContaining({
          artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
          annotations: {
            'dev.sigstore.bundle.content': 'dsse-envelope',
            'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
            'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
          },
        }),
      ]);
    }
    expect((await verifyInRegistry(client, reference, publicKey)).map(({ isSigned }) => isSigned)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    const again = await signInRegistry(client, reference, key, { created: CREATED + 5000 });
    expect(again.map(({ signature }) => signature)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('count only where the key made them for just this manifest', async () => {
    const image = await sampleImage([[{ name: 'b', content: 'b' }]]);
    const reference = named('app:2');
    await toRegistry(client, reference, image);
    const put = async (bundle: Uint8Array): Promise<void> => {
      const artifact = signatureArtifact(image.descriptor, bundle, CREATED);
      await toRegistry(client, { ...named('app'), digest: artifact.descriptor.digest }, artifact);
    };
    await put(signManifest(sha256Digest('another image'), key));
    await put(signManifest(image.descriptor.digest, signerKey(generateKeyPair('ed25519').privateKey)));
    await put(Buffer.from('{}'));
    const [bad] = await verifyInRegistry(client, reference, publicKey);
    expect(bad.isSigned).toBe(false);
    expect(bad.refused.toSorted()).toEqual([
      expect.stringMatching(/mediaType must be a string/),
      `it is a signature of ${sha256Digest('another image')}`,
      'it is by another key',
    ]);
    // Theirs stand in nobody's way.
    await signInRegistry(client, reference, key, { created: CREATED });
    const [good] = await verifyInRegistry(client, reference, publicKey);
    expect(good.isSigned).toBe(true);
  });
});
