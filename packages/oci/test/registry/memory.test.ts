import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../testing/docker-registry.ts';
import type { DockerRegistry } from '../../testing/docker-registry.ts';

const MIB = 1024 * 1024;
const SIZE = 200 * MIB;

describe.skipIf(SKIP_REGISTRY)(`memory${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let directory: string;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    directory = mkdtempSync(join(tmpdir(), 'registry-memory-'));
  });
  afterAll(async () => {
    await registry.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('a blob of 200 MiB is pushed, pulled and pushed again with little of it', async () => {
    const program = join(directory, 'child.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'transfer-child.ts')],
      bundle: true,
      target: 'node20',
      platform: 'node',
      format: 'esm',
      outfile: program,
    });
    const output = execFileSync(process.execPath, [program, registry.host, String(SIZE)], { encoding: 'utf8' });
    const result = JSON.parse(output) as {
      pushed: string;
      copied: string;
      before: number;
      afterPush: number;
      afterCopy: number;
    };
    expect(result).toMatchObject({ pushed: 'uploaded', copied: 'uploaded' });
    // maxRSS is in KiB. A client that held the blob would need 200 MiB more than before.
    expect((result.afterCopy - result.before) / 1024).toBeLessThan(90);
    expect(result.afterCopy / 1024).toBeLessThan(190);
  }, 120_000);
});
