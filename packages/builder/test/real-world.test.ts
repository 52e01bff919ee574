import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ImageConfig } from '@tsbuild/oci';
import { parseDockerfile } from '../src/dockerfile/parser.ts';
import { lintOf } from './lint/lint-of.ts';
import { historyOf, planOf } from './plan/plan-of.ts';

const ROOT = fileURLToPath(new URL('../../../fixtures/real-world/', import.meta.url));
const dockerfileOf = (name: string): string => readFileSync(`${ROOT}${name}/Dockerfile`, 'utf8');

/** Any base image, as far as planning looks at it. */
const ANY_BASE: ImageConfig = {
  os: 'linux',
  architecture: 'amd64',
  config: { Env: ['PATH=/usr/bin:/bin', 'PHP_INI_DIR=/usr/local/etc/php'] },
  rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`] },
};

describe('Dockerfiles of the world', () => {
  const names = readdirSync(ROOT).toSorted();

  it('are ten', () => {
    expect(names).toHaveLength(10);
  });

  it.each(names)('%s parses and plans', async (name) => {
    const text = dockerfileOf(name);
    expect(parseDockerfile({ name: 'Dockerfile', text }).directives.syntax).toBe('docker/dockerfile:1');
    const bases: string[] = [];
    const images = new Proxy<Record<string, ImageConfig>>(
      {},
      {
        get: (_, base: string) => {
          bases.push(base);
          return ANY_BASE;
        },
      },
    );
    const plan = await planOf(text, { images });
    expect({
      bases: [...new Set(bases)].toSorted(),
      stages: plan.stages.map(({ label, steps }) => `${label}: ${steps.length} steps`),
      history: historyOf(plan.target),
      config: plan.target.config,
    }).toMatchSnapshot();
  });

  it.each(names)('%s gives no finding', (name) => {
    expect(lintOf(dockerfileOf(name))).toEqual([]);
  });
});
