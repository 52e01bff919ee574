import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SOURCE_PLUGINS } from './scripts/source-plugins.mjs';

// Tests run on source, never on a stale dist: the workspace packages resolve through this export condition.
const conditions = ['@tsbuild/source'];

/**
 * Tests that only compute: they touch no directory of the process, no environment, no clock. They share one module graph for each
 * worker, so that nothing is loaded twice; `npm run quick` runs them alone.
 */
const PURE = {
  oci: [
    'packages/oci/test/{canonical-json,documents,entries,image-diff,images,index-building,json-edit}.test.ts',
    'packages/oci/test/{mutate,platform,reference,rfc3339,validate}.test.ts',
    'packages/oci/test/tar/**/*.test.ts',
  ],
  builder: ['packages/builder/test/{dockerfile,plan,lint,solver,explain,cache,verify}/**/*.test.ts'],
  cli: ['packages/cli/test/{argv,registry-name}.test.ts', 'packages/cli/test/output/**/*.test.ts'],
};

/** Tests compute on every core; end-to-end tests wait for sandboxes, engines and registries, so that one more of them keeps the cores busy. */
const WORKERS = { unit: availableParallelism(), e2e: availableParallelism() + 1 };

interface ProjectOptions {
  readonly exclude?: string[];
  readonly globalSetup?: string[];
  readonly setupFiles?: string[];
  readonly isolate?: boolean;
}

const project = (name: string, include: string[], options: ProjectOptions = {}) => ({
  plugins: SOURCE_PLUGINS,
  resolve: { conditions },
  ssr: { resolve: { conditions: [...conditions, 'node', 'import', 'module', 'default'] } },
  test: {
    name,
    include,
    environment: 'node' as const,
    pool: 'forks' as const,
    setupFiles: ['test/support/fixed-seed.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Projects of one group run together, and must agree on the number of workers.
    maxWorkers: name === 'e2e' ? WORKERS.e2e : WORKERS.unit,
    sequence: { groupOrder: name === 'e2e' ? 1 : 0 },
    ...options,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('oci-pure', PURE.oci, { isolate: false }),
      project('builder-pure', PURE.builder, { isolate: false }),
      project('cli-pure', PURE.cli, { isolate: false }),
      project('oci', ['packages/oci/test/**/*.test.ts'], { exclude: PURE.oci }),
      project('builder', ['packages/builder/test/**/*.test.ts'], {
        exclude: PURE.builder,
        setupFiles: ['test/support/fixed-seed.ts', 'test/support/own-temporary-folder.ts'],
      }),
      project('cli', ['packages/cli/test/**/*.test.ts'], { exclude: PURE.cli }),
      project('e2e', ['test/**/*.test.ts'], {
        globalSetup: ['test/support/global-setup.ts'],
        setupFiles: ['test/support/fixed-seed.ts', 'test/support/tidy-scratch.ts'],
      }),
    ],
  },
});
