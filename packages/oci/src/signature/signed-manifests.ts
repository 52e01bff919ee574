import type { RegistryReader } from '../registry/remote-image.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { ATTESTED, decodeImageIndex, isAttestation } from '../spec/image-index.ts';
import { isIndexType, isManifestType } from '../spec/media-type.ts';
import { formatPlatform } from '../spec/platform.ts';
import type { Reference } from '../spec/reference.ts';

/** A manifest or index of an image, which can be signed by itself. */
export interface SignableManifest {
  readonly descriptor: Descriptor;
  readonly role: 'index' | 'image' | 'attestation';
  /** `os/arch[/variant]`; of an attestation, that of the image of which it speaks. Absent where nothing says it. */
  readonly platform?: string;
}

/**
 * What a name in a registry consists of: its manifest; or its index, first, and all manifests that the index lists. Docker's
 * policies look for a signature on an attestation manifest, cosign on the index and on a platform's manifest.
 * @throws OciError of the client
 */
export async function signableManifests(
  client: RegistryReader,
  reference: Reference,
  signal?: AbortSignal,
): Promise<readonly [SignableManifest, ...SignableManifest[]]> {
  const { descriptor, bytes } = await client.manifest(reference, signal);
  if (!isIndexType(descriptor.mediaType)) return [{ descriptor, role: 'image' }];
  const { manifests } = decodeImageIndex(bytes, descriptor.mediaType);
  const platforms = new Map<string, string>();
  for (const { digest, platform } of manifests)
    if (platform !== undefined) platforms.set(digest, formatPlatform(platform));
  const seen = new Set<Digest>([descriptor.digest]);
  const entries: SignableManifest[] = [];
  for (const entry of manifests) {
    // One that is listed twice is signed once. An index within an index is an image of its own.
    if (seen.has(entry.digest) || !isManifestType(entry.mediaType)) continue;
    seen.add(entry.digest);
    const role = isAttestation(entry) ? 'attestation' : 'image';
    const platform = platforms.get(role === 'image' ? entry.digest : (entry.annotations?.[ATTESTED] ?? ''));
    const { mediaType, digest, size } = entry;
    entries.push({ descriptor: { mediaType, digest, size }, role, ...(platform !== undefined && { platform }) });
  }
  return [{ descriptor, role: 'index' }, ...entries];
}
