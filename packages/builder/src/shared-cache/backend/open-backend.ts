import type { Environment, RegistryClient } from '@tsbuild/oci/node';
import type { CacheSpec } from '../flags/cache-spec.ts';
import type { CacheBackend } from './cache-backend.ts';

/** What places are reached with. */
export interface BackendAccess {
  readonly client: () => RegistryClient;
  /** Credentials and addresses of places that are no registry: AWS_*, ACTIONS_*. */
  readonly environment: Environment;
  /** Relative paths start here. */
  readonly directory: string;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Opens the place that a spec names; nothing is asked of it yet. Each kind is loaded when it is asked for.
 * @throws BuildError `OPTION_INVALID` when the spec and the environment cannot be enough
 */
export async function openBackend(spec: CacheSpec, access: BackendAccess): Promise<CacheBackend> {
  switch (spec.type) {
    case 'registry':
      throw new TypeError('type=registry is on its way');
    case 'local': {
      const { LocalBackend } = await import('./local/local-backend.ts');
      return new LocalBackend(spec, access);
    }
    case 'inline':
    case 'gha':
      throw new TypeError(`type=${spec.type} is on its way`);
    case 's3': {
      const { openS3Backend } = await import('./s3/s3-backend.ts');
      return openS3Backend(spec, access);
    }
  }
}
