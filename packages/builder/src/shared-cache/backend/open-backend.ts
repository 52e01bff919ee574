import type { CacheSpec } from '../flags/cache-spec.ts';
import type { BackendAccess } from './backend-access.ts';
import type { CacheBackend } from './cache-backend.ts';

/**
 * Opens the place that a spec names; nothing is asked of it yet. Each kind is loaded when it is asked for.
 * @throws BuildError `OPTION_INVALID` when the spec and the environment cannot be enough
 */
export async function openBackend(spec: CacheSpec, access: BackendAccess): Promise<CacheBackend> {
  switch (spec.type) {
    case 'registry':
      return (await import('./registry/registry-backend.ts')).openRegistryBackend(spec, access);
    case 'local':
    case 'inline':
    case 'gha':
    case 's3':
      throw new TypeError(`type=${spec.type} is on its way`);
  }
}
