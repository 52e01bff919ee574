import { defineConfig } from 'vitest/config';

// Tests run on source, never on a stale dist: the workspace packages resolve through this export condition.
const conditions = ['@tsbuild/source'];
const project = (name: string, include: string[], options: { globalSetup?: string[]; setupFiles?: string[] } = {}) => ({
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
    ...options,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('oci', ['packages/oci/test/**/*.test.ts']),
      project('builder', ['packages/builder/test/**/*.test.ts'], {
        setupFiles: ['test/support/fixed-seed.ts', 'test/support/own-temporary-folder.ts'],
      }),
      project('cli', ['packages/cli/test/**/*.test.ts']),
      project('e2e', ['test/**/*.test.ts'], {
        globalSetup: ['test/support/global-setup.ts'],
        setupFiles: ['test/support/fixed-seed.ts', 'test/support/tidy-scratch.ts'],
      }),
    ],
  },
});
