import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NO_REGISTRY, SKIP_REGISTRY } from '../testing/docker-registry.ts';

/** The short form of what `node bench/oci-memory.mjs` measures with 2 GiB. */
it.skipIf(SKIP_REGISTRY)(
  `an image with a layer of 128 MiB is pulled, checked and pushed again with little of it in memory${NO_REGISTRY}`,
  () => {
    const bench = join(import.meta.dirname, '../../../bench/oci-memory.mjs');
    const output = execFileSync(process.execPath, [bench, '--mebibytes', '128', '--json'], { encoding: 'utf8' });
    const { peakMebibytes, steps } = JSON.parse(output) as {
      peakMebibytes: number;
      steps: readonly { readonly name: string; readonly peakMebibytes: number }[];
    };
    expect(steps.map(({ name }) => name)).toEqual(['start', 'pull', 'check', 'push']);
    // 100 to 140 MiB, as garbage is collected now or later; with the whole layer it would be 220 at least.
    expect(peakMebibytes).toBeLessThan(190);
  },
  120_000,
);
