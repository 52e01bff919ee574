import type { Plugin } from 'vitest/config';

export const SOURCE_PLUGINS: Plugin[];
