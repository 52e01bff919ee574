import {
  type Digest,
  digestHex,
  formatPlatform,
  imageUrl,
  type JsonValue,
  parseReference,
  sha256Digest,
} from '@tsbuild/oci';
import type { PlatformPlan } from '../plan/platforms/build-plan.ts';
import type { Material } from './material.ts';
import type { StepFacts } from './step-facts.ts';

/** What an image was made of, as SLSA's resource descriptors: images, commits, files of web servers, then contexts. */
export function resolvedDependencies(
  materials: readonly Material[],
  steps: readonly StepFacts[],
  plan: PlatformPlan,
): readonly JsonValue[] {
  const platforms = new Set([plan, ...plan.stages].map(({ platform }) => formatPlatform(platform)));
  const meant = materials.filter((one) => one.kind !== 'image' || platforms.has(one.platform));
  return [...meant.map(descriptorOf), ...contexts(steps)];
}

function descriptorOf(material: Material): JsonValue {
  switch (material.kind) {
    case 'git': {
      const { url, ref, commit } = material;
      const algorithm = commit.length === 64 ? 'sha256' : 'sha1';
      return { uri: ref === undefined ? url : `${url}#${ref}`, digest: { [algorithm]: commit } };
    }
    case 'http':
      return { uri: material.url, digest: { sha256: digestHex(material.digest) } };
    case 'image':
      return imageDescriptor(material);
  }
}

function imageDescriptor({ reference, platform, digest }: Extract<Material, { readonly kind: 'image' }>): JsonValue {
  const sha256 = { sha256: digestHex(digest) };
  const query = `platform=${encodeURIComponent(platform)}`;
  const layout = /^oci-layout:\/\/(.*)$/s.exec(reference)?.[1];
  if (layout !== undefined) {
    // Where a layout lies is nobody's business.
    const name = encodeURIComponent(layout.replace(/[@:][^/]*$/, '').replace(/^.*\//, ''));
    return { uri: `pkg:oci/${name}@${encodeURIComponent(digest)}?${query}`, digest: sha256 };
  }
  // An image of the store that was named by its ID.
  if (/^(?:sha256:)?[0-9a-f]{12,64}$/.test(reference)) return { name: reference, digest: sha256 };
  return { uri: imageUrl(parseReference(reference), parsed(platform)), digest: sha256 };
}

function parsed(platform: string): { readonly os: string; readonly architecture: string; readonly variant?: string } {
  const [os = '', architecture = '', variant] = platform.split('/');
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

/** Each context that steps have read files from: the digest of the listings of what they read. */
function contexts(steps: readonly StepFacts[]): readonly JsonValue[] {
  const listings = new Map<string, Set<Digest>>();
  for (const { preimage, contexts: names } of steps) {
    for (const { name, id } of preimage?.inputs ?? []) {
      const context = names.get(name);
      if (context === undefined) continue;
      listings.set(context, (listings.get(context) ?? new Set()).add(id));
    }
  }
  return [...listings]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, ids]) => ({ name: contextName(name), digest: { tsbuildListing: digestHex(listingDigest(ids)) } }));
}

/** How statements call a context: `context`, `context:NAME`. */
export function contextName(name: string): string {
  return name === '' ? 'context' : `context:${name}`;
}

/** One digest for several listings: that of their digests, sorted, each with a line feed. */
function listingDigest(ids: ReadonlySet<Digest>): Digest {
  return sha256Digest(
    [...ids]
      .toSorted()
      .map((id) => `${id}\n`)
      .join(''),
  );
}
