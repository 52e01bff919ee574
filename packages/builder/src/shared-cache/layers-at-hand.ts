import type { Digest } from '@tsbuild/oci';
import { RegistryClient, type RegistryOptions } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import type { Store } from '../store/store.ts';
import type { BackendAccess } from './backend/backend-access.ts';
import { CachedLayers } from './shared-layers.ts';

/** How layers are reached that are not in the store. */
export interface LayerAccess {
  /** Asked for when a layer must be fetched. */
  readonly registry: () => Promise<RegistryOptions>;
  readonly reporter: ProgressReporter;
  readonly signal: AbortSignal;
}

/** How the places of shared caches are reached, with a client of the same registries. */
export function backendAccess(registry: RegistryOptions, hooks: Partial<RegistryOptions> = {}): BackendAccess {
  return {
    client: ({ insecure }) =>
      new RegistryClient({ ...registry, ...hooks, insecure: [...(registry.insecure ?? []), ...insecure] }),
    environment: registry.environment ?? process.env,
    directory: process.cwd(),
    now: Date.now,
  };
}

/**
 * Fetches the layers of an image that are not in the store, because a build had them from a shared cache and nothing has
 * needed their bytes yet. Does nothing, and asks nobody, when all are there.
 * @throws OutputLost when one cannot be had any more: a new build makes it again
 */
export async function bringLayers(
  layers: readonly { readonly digest: Digest }[],
  store: Store,
  { registry, reporter, signal }: LayerAccess,
): Promise<void> {
  const present = await Promise.all(layers.map(({ digest }) => store.layout.blobs.has(digest)));
  if (present.every((blob) => blob !== undefined)) return;
  const options = await registry();
  using access = new RegistryAccess(options, reporter);
  await using cached = new CachedLayers(store.remotes, backendAccess(options), signal);
  await store.layers(access.client, signal, cached).ensure(layers);
}
