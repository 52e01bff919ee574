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
    case 'local': {
      const { LocalBackend } = await import('./local/local-backend.ts');
      return new LocalBackend(spec, access);
    }
    case 'inline': {
      const { InlineBackend } = await import('./inline/inline-backend.ts');
      return new InlineBackend(spec, access);
    }
    case 'gha': {
      const { ActionsBackend } = await import('./gha/actions-backend.ts');
      return new ActionsBackend(spec, access);
    }
    case 's3': {
      const { openS3Backend } = await import('./s3/s3-backend.ts');
      return openS3Backend(spec, access);
    }
  }
}
