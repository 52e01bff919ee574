import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NO_REGISTRY, SKIP_REGISTRY } from '../packages/oci/testing/docker-registry.ts';
import { lab, withoutRoot } from './support/lab.ts';
import { run } from './support/process.ts';
import { scratch } from './support/tsbuild.ts';

const PROGRAM = fileURLToPath(new URL('../scripts/fleet.mjs', import.meta.url));

describe.skipIf(withoutRoot || SKIP_REGISTRY)(`a fleet of builders and one cache (needs root)${NO_REGISTRY}`, () => {
  // `npm run fleet` has a hundred builders.
  it('holds in all scenarios but the one with thousands of records, in their short form', {
    timeout: 900_000,
  }, async () => {
    const json = join(await scratch(), 'fleet.json');
    const args = [PROGRAM, '--short', '--cli', lab.cli, '--base', lab.bases['busybox'] ?? '', '--json', json];
    const { exitCode, stdout, stderr } = await run(process.execPath, args, { timeout: 850_000 });
    expect(stdout + stderr).toMatch(/^13 of 13 scenarios hold$/m);
    expect(exitCode).toBe(0);
    // A fleet that never shared anything would show nothing.
    const { rows } = JSON.parse(readFileSync(json, 'utf8')) as {
      rows: { finding: { figures: Record<string, number> } }[];
    };
    expect(rows[0]?.finding.figures).toMatchObject({
      'hit rate after the first wave, %': 100,
      'layer bytes per later build': 0,
    });
    expect(rows[1]?.finding.figures['requests per build']).toBeLessThanOrEqual(3);
  });
});
