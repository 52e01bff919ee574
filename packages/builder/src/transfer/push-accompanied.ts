import type { Descriptor, Digest, Image, MultiPlatformImage, Reference } from '@tsbuild/oci';
import {
  copyReferrers,
  type RegistryClient,
  signableManifests,
  type SignerKey,
  signInRegistry,
  toRegistry,
} from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import type { Store } from '../store/store.ts';

/**
 * Where a manifest or index of the store came from.
 * @throws BuildError `OPTION_INVALID` for what is not the very document that a registry had
 */
export async function homeOf(
  name: string,
  stored: Digest,
  { descriptor: { digest } }: Image | MultiPlatformImage,
  { remotes }: Store,
): Promise<Pick<Reference, 'registry' | 'repository'>> {
  const known = await remotes.document(stored);
  if (known?.digest === digest) return { registry: known.registry, repository: known.repository };
  throw new BuildError('OPTION_INVALID', `${name} has no signatures to copy: it is not what any registry had`, {
    hint: 'pull it, an index with --platform all: it keeps its digest then, for which they were made; or use tsbuild image copy',
  });
}

/** What goes with an image. */
interface Company {
  /** Where what refers to it is copied from. */
  readonly home: Pick<Reference, 'registry' | 'repository'> | undefined;
  readonly sign: { readonly key: SignerKey; readonly created: number } | undefined;
  readonly signal: AbortSignal;
}

/**
 * Under its digest first, then signatures and what else refers to it, then under its tag: who finds the tag finds those, and
 * a push that cannot bring them moves no tag.
 */
export async function pushAccompanied(
  client: RegistryClient,
  target: Reference,
  image: Image | MultiPlatformImage,
  { home, sign, signal }: Company,
): Promise<Descriptor> {
  const { registry, repository, tag } = target;
  const { descriptor } = image;
  const place = { registry, repository, digest: descriptor.digest };
  await toRegistry(client, place, image, { signal });
  if (home !== undefined) {
    for (const { descriptor: of } of await signableManifests(client, place, signal)) {
      await copyReferrers(client, { ...home, digest: of.digest }, place, { signal });
    }
  }
  if (sign !== undefined) await signInRegistry(client, place, sign.key, { created: sign.created, signal });
  const document = 'rawIndex' in image ? image.rawIndex : image.rawManifest;
  if (tag !== undefined) await client.pushManifest({ registry, repository, tag }, descriptor, document, signal);
  return descriptor;
}
