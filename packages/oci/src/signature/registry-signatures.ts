import { artifactFrom } from '../image/artifact.ts';
import type { RegistryClient } from '../registry/client.ts';
import { registryContent, toRegistry } from '../registry/remote-image.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Reference } from '../spec/reference.ts';
import { signatureArtifact, signManifest, verifyManifestSignature } from './image-signature.ts';
import type { SignerKey, VerifierKey } from './key.ts';
import { signableManifests } from './signed-manifests.ts';
import type { SignableManifest } from './signed-manifests.ts';
import { SIGSTORE_BUNDLE } from './sigstore-bundle.ts';

/** Choices of {@link signInRegistry}. */
export interface SignOptions {
  /** The time that signatures say they were made at, milliseconds since 1970. It is not signed. */
  readonly created: number;
  readonly signal?: AbortSignal;
}

/** A manifest that is signed now. */
export interface SignedManifest extends SignableManifest {
  /** The manifest of the signature; undefined where there was one by the same key already. */
  readonly signature?: Descriptor;
}

/** What a key finds of a manifest. */
export interface ManifestSignatures extends SignableManifest {
  /** There is a good signature by the key. */
  readonly isSigned: boolean;
  /** Why other signatures do not count: by other keys, damaged, of something else. Foreign text may be in them. */
  readonly refused: readonly string[];
}

/** Bundles with a certificate and log entries have some ten kilobytes. */
const BUNDLE_LIMIT = 1024 * 1024;
/** So many signatures of one manifest are looked at: a list without end is an attack. */
const MOST_SIGNATURES = 100;

/**
 * Signs an image of a registry: its index, each manifest of the index, and each attestation. Signatures are stored beside
 * them, as referrers; a manifest that the key has signed already is left alone. The named manifest comes last: once it is
 * signed, all is.
 * @throws OciError of the client
 * @example
 *   await signInRegistry(client, parseReference('registry.example/app:1'), signerKey(pem), { created: Date.now() });
 */
export async function signInRegistry(
  client: RegistryClient,
  reference: Reference,
  key: SignerKey,
  { created, signal }: SignOptions,
): Promise<readonly SignedManifest[]> {
  const { registry, repository } = reference;
  const manifests = await signableManifests(client, reference, signal);
  const signed: SignedManifest[] = [];
  for (const manifest of manifests.toReversed()) {
    const { isSigned } = await signaturesOf(client, reference, manifest, key, signal);
    if (isSigned) {
      signed.unshift(manifest);
      continue;
    }
    const { descriptor } = manifest;
    const artifact = signatureArtifact(descriptor, signManifest(descriptor.digest, key), created);
    const place = { registry, repository, digest: artifact.descriptor.digest };
    const signature = await toRegistry(client, place, artifact, signal === undefined ? {} : { signal });
    signed.unshift({ ...manifest, signature });
  }
  return signed;
}

/**
 * What a key has signed of an image in a registry, the named manifest or index first. That one's signature covers all that
 * it lists by digest; the others are for readers that look for their own.
 * @throws OciError of the client
 * @example
 *   const [named] = await verifyInRegistry(client, reference, verifierKey(pem));
 *   if (!named.isSigned) throw new Error('not signed');
 */
export async function verifyInRegistry(
  client: RegistryClient,
  reference: Reference,
  key: VerifierKey,
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly [ManifestSignatures, ...ManifestSignatures[]]> {
  const { signal } = options;
  const [named, ...others] = await signableManifests(client, reference, signal);
  const first = await signaturesOf(client, reference, named, key, signal);
  const found: ManifestSignatures[] = [];
  for (const other of others) found.push(await signaturesOf(client, reference, other, key, signal));
  return [first, ...found];
}

async function signaturesOf(
  client: RegistryClient,
  { registry, repository }: Reference,
  manifest: SignableManifest,
  key: VerifierKey,
  signal: AbortSignal | undefined,
): Promise<ManifestSignatures> {
  const { digest } = manifest.descriptor;
  const referrers = await client.referrers({ registry, repository, digest }, SIGSTORE_BUNDLE, signal);
  const refused: string[] = [];
  if (referrers.length > MOST_SIGNATURES)
    refused.push(`only ${MOST_SIGNATURES} of ${referrers.length} signatures were looked at`);
  for (const referrer of referrers.slice(0, MOST_SIGNATURES)) {
    try {
      const bundle = await readBundle(client, { registry, repository, digest: referrer.digest }, referrer, signal);
      verifyManifestSignature(bundle, digest, key);
      return { ...manifest, isSigned: true, refused };
    } catch (error) {
      if (!(error instanceof OciError) || !DAMAGES.has(error.code)) throw error;
      refused.push(error.message);
    }
  }
  return { ...manifest, isSigned: false, refused };
}

/** What is wrong with one signature, and no reason to give up on the next. */
const DAMAGES: ReadonlySet<string> = new Set([
  'BLOB_CORRUPT',
  'LIMIT_EXCEEDED',
  'MANIFEST_INVALID',
  'REGISTRY_NOT_FOUND',
  'SIGNATURE_INVALID',
]);

async function readBundle(
  client: RegistryClient,
  place: Reference,
  referrer: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { files } = await artifactFrom(registryContent(client, place), referrer, signal);
  const [file] = files;
  if (file === undefined || files.length !== 1 || file.descriptor.mediaType !== SIGSTORE_BUNDLE) {
    throw new OciError('SIGNATURE_INVALID', 'it has not exactly one bundle');
  }
  if (file.descriptor.size > BUNDLE_LIMIT) {
    throw new OciError('LIMIT_EXCEEDED', `its bundle has ${file.descriptor.size} bytes, the limit is ${BUNDLE_LIMIT}`);
  }
  const parts: Uint8Array[] = [];
  for await (const part of file.open(signal)) parts.push(part);
  return Buffer.concat(parts);
}
