import { copyContent } from '../image/copy-content.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Reference } from '../spec/reference.ts';
import type { RegistryClient } from '../registry/client.ts';
import { registryContent, registrySink } from '../registry/remote-image.ts';
import type { ToRegistryOptions } from '../registry/remote-image.ts';
import { referrersBelow } from './referrers-below.ts';

/** Choices of {@link copyReferrers}. */
export interface CopyReferrersOptions extends ToRegistryOptions {
  /** Only what is of this type: signatures, SBOMs. */
  readonly artifactType?: string;
}

/**
 * Copies what refers to a manifest (signatures, SBOMs, and what refers to those) to another repository, where the manifest
 * itself should be already. Each is entered there into the list of referrers, by the registry or by the tag of the list.
 * @param from names the manifest by its digest or tag
 * @param to the repository; its tag or digest says nothing
 * @returns what was copied
 * @throws OciError of the clients; `LIMIT_EXCEEDED`
 * @example
 *   await toRegistry(client, to, await fromRegistry(client, from));
 *   await copyReferrers(client, from, to, { artifactType: 'application/spdx+json' });
 */
export async function copyReferrers(
  client: RegistryClient,
  from: Reference,
  to: Reference,
  options: CopyReferrersOptions = {},
): Promise<readonly Descriptor[]> {
  const { registry, repository } = from;
  const { artifactType, signal } = options;
  const sink = registrySink(client, { registry: to.registry, repository: to.repository }, options);
  const digest = from.digest ?? (await client.resolve(from, signal)).digest;
  const copied: Descriptor[] = [];
  // What refers to a signature, say, is wanted with it, whatever it is.
  const listed = referrersBelow(
    digest,
    (subject) => client.referrers({ registry, repository, digest: subject }, undefined, signal),
    () => client.referrers({ registry, repository, digest }, artifactType, signal),
  );
  for await (const found of listed) {
    await copyContent(registryContent(client, from), found, sink, options);
    copied.push(found);
  }
  return copied;
}
