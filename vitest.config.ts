import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/longest-first.mjs';
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

/** One for each core, where vitest would leave one core idle; with one more, end-to-end tests take their time from each other (measured). */
const WORKERS = availableParallelism();

interface ProjectOptions {
  readonly exclude?: string[];
  readonly globalSetup?: string[];
  readonly setupFiles?: string[];
  readonly isolate?: boolean;
  readonly testTimeout?: number;
  readonly hookTimeout?: number;
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
    maxWorkers: WORKERS,
    sequence: { groupOrder: name === 'e2e' ? 1 : 0 },
    ...options,
  },
});

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      project('oci-pure', PURE.oci, { isolate: false }),
      project('builder-pure', PURE.builder, { isolate: false }),
      project('cli-pure', PURE.cli, { isolate: false }),
      // These change nothing of their process that another file would see, and share it as the pure ones do.
      project('oci', ['packages/oci/test/**/*.test.ts'], { exclude: PURE.oci, isolate: false }),
      // Isolated: executors prepare their process (seccomp, keyring) for good.
      project('builder', ['packages/builder/test/**/*.test.ts'], {
        exclude: PURE.builder,
        setupFiles: ['test/support/fixed-seed.ts', 'test/support/own-temporary-folder.ts'],
      }),
      project('cli', ['packages/cli/test/**/*.test.ts'], { exclude: PURE.cli, isolate: false }),
      // The pages of the documentation: they change nothing of their process.
      project('site', ['site/test/**/*.test.ts'], { isolate: false }),
      project('e2e', ['test/**/*.test.ts'], {
        // What hangs ends here; a slow machine needs minutes for the attacks and the reproducible builds.
        testTimeout: 600_000,
        hookTimeout: 600_000,
        globalSetup: ['test/support/global-setup.ts'],
        setupFiles: ['test/support/fixed-seed.ts', 'test/support/tidy-scratch.ts'],
      }),
    ],
  },
});
