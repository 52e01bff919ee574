import type { Descriptor } from '../spec/descriptor.ts';
import { OciError } from '../spec/oci-error.ts';
import { openLayoutEntries } from '../layout/layout-image.ts';
import type { FromLayoutOptions } from '../layout/layout-image.ts';
import { isIndexType } from '../spec/media-type.ts';
import { formatReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { registryContent, toRegistry } from '../registry/remote-image.ts';
import type { RegistryReader, RegistryWriter } from '../registry/remote-image.ts';
import type { CopyOptions } from '../image/copy-content.ts';
import { artifactFrom, artifactFromManifest, artifactOf } from '../image/artifact.ts';
import type { Artifact, ArtifactParts } from '../image/artifact.ts';

/**
 * The artifact that a reference names in a registry. Its manifest is fetched, files when they are opened.
 * @throws OciError `MANIFEST_INVALID` when it names an index; of the client
 * @example
 *   const chart = await artifactFromRegistry(client, parseReference('registry.example/charts/app:1'));
 *   const [file] = chart.files;
 */
export async function artifactFromRegistry(
  client: RegistryReader,
  reference: Reference,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Artifact> {
  const { descriptor, bytes } = await client.manifest(reference, options.signal);
  if (isIndexType(descriptor.mediaType)) throw noManifest(formatReference(reference));
  return artifactFromManifest(bytes, registryContent(client, reference), descriptor);
}

/**
 * An artifact of an OCI image layout directory.
 * @throws OciError as `fromLayout`; `MANIFEST_INVALID` when the name means an index
 * @example
 *   const artifact = await artifactFromLayout('layout', { name: 'sbom' });
 */
export async function artifactFromLayout(
  root: string,
  options: Pick<FromLayoutOptions, 'name'> = {},
): Promise<Artifact> {
  const { content, entry } = await openLayoutEntries(root, options.name);
  if (isIndexType(entry.mediaType)) throw noManifest(options.name ?? entry.digest);
  return artifactFrom(content, entry);
}

/**
 * Makes an artifact that says something of a manifest in a registry, and puts it beside it: registries list it among the
 * referrers.
 * @returns the artifact's descriptor
 * @throws OciError of the client
 * @example
 *   await attachArtifact(client, parseReference('registry.example/app:1'), {
 *     artifactType: 'application/spdx+json',
 *     files: [{ content: sbom, mediaType: 'application/spdx+json' }],
 *   });
 *   const [attached] = await client.referrers(reference, 'application/spdx+json');
 */
export async function attachArtifact(
  client: RegistryReader & RegistryWriter,
  subject: Reference,
  parts: Omit<ArtifactParts, 'subject'>,
  options: CopyOptions = {},
): Promise<Descriptor> {
  const { descriptor } = await client.manifest(subject, options.signal);
  const artifact = artifactOf({ ...parts, subject: descriptor });
  const { registry, repository } = subject;
  return toRegistry(client, { registry, repository, digest: artifact.descriptor.digest }, artifact, options);
}

function noManifest(name: string): OciError {
  return new OciError('MANIFEST_INVALID', `${name} is an index of several manifests: name one of them by its digest`);
}
