import type { Digest } from '@tsbuild/oci';
import { RegistryClient, type RegistryOptions } from '@tsbuild/oci/node';
import type { ProgressReporter } from '../progress/reporter.ts';
import type { LayerProvider } from '../source/layer-provider.ts';
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

/** The layers of the store, with those that only registries and shared caches have, for as long as it is held. */
export function reachableLayers(
  store: Store,
  client: () => RegistryClient,
  { registry, signal }: { readonly registry: RegistryOptions; readonly signal: AbortSignal },
): ReachableLayers {
  const cached = new CachedLayers(store.remotes, backendAccess(registry), signal);
  return { provider: store.layers(client, signal, cached), [Symbol.asyncDispose]: () => cached[Symbol.asyncDispose]() };
}

export interface ReachableLayers extends AsyncDisposable {
  readonly provider: LayerProvider;
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
  await using reachable = reachableLayers(store, access.client, { registry: options, signal });
  await reachable.provider.ensure(layers);
}
