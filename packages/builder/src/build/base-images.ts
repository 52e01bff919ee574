import { formatPlatform, OciError, type Platform } from '@tsbuild/oci';
import type { RegistryReader } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { RegistrySource } from '../source/registry-source.ts';
import type { ResolvedImage } from '../source/source.ts';
import { StoreSource } from '../source/store-source.ts';
import type { Store } from '../store/store.ts';

/** Where base images may come from in one build. */
export interface BaseImageOptions {
  readonly store: Store;
  /** Ask the registry although the image is known. */
  readonly pull: boolean;
  readonly client: () => RegistryReader;
  readonly signal: AbortSignal;
}

/**
 * Finds base images: in the store, in what a registry said before, in the registry; with `pull` in the registry alone.
 * @returns the function that a plan resolves names with; it throws BuildError `BASE_NOT_FOUND`
 */
export function baseImageResolver(
  options: BaseImageOptions,
): (name: string, platform: Platform) => Promise<ResolvedImage> {
  const { store, pull, client, signal } = options;
  const local = new StoreSource(store.layout);
  const { blobs } = store.layout;
  const remote = new RegistrySource({ client, blobs, remotes: store.remotes, refresh: pull, signal });
  const sources = pull ? [remote] : [local, remote];
  return async (name, platform) => {
    try {
      for (const source of sources) {
        const found = await source.resolve(name, platform);
        if (found !== undefined) return found;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(name, error);
    }
    throw new BuildError(
      'BASE_NOT_FOUND',
      `base image ${JSON.stringify(name)} was not found for ${formatPlatform(platform)}`,
      {
        hint: `it is neither in the store nor in its registry; check the name, or load it with \`docker save ${name} | tsbuild load\``,
      },
    );
  };
}

function unreachable(name: string, error: unknown): unknown {
  if (!(error instanceof OciError) || !error.code.startsWith('REGISTRY_')) return error;
  const denied = error.code === 'REGISTRY_DENIED';
  return new BuildError('BASE_NOT_FOUND', `base image ${JSON.stringify(name)} is not in the store: ${error.message}`, {
    hint: denied
      ? 'check the name, or log in with `tsbuild login`'
      : `without a network, load it with \`docker save ${name} | tsbuild load\``,
    cause: error,
  });
}
