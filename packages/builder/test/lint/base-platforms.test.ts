import type { Platform } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import { Checks } from '../../src/build/checks.ts';
import { parseDockerfile } from '../../src/dockerfile/parser.ts';
import { imageWith } from './lint-of.ts';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };

/** What the checks say of a Dockerfile whose base images were found for these platforms, in this order. */
async function findings(text: string, found: readonly Platform[]): Promise<readonly string[]> {
  const file = { name: 'Dockerfile', text };
  const dockerfile = parseDockerfile(file);
  const options = { buildArgs: new Map(), environment: {}, context: '/nonexistent' };
  const checks = new Checks({ options, file, dockerfile, platforms: [AMD64] });
  const resolve = checks.watch(async (name, platform) => {
    const config = { ...imageWith([`ONLY_${platform.architecture}=1`]), ...platform };
    return { name, digest: `sha256:${'0'.repeat(64)}`, config, layers: [] };
  });
  for (const platform of found) await resolve('base', platform);
  return checks.findings('all').map(({ rule, message, range }) => `${range.start.line} ${rule}: ${message}`);
}

describe('one base image for several platforms', () => {
  const text = [
    'ARG TOOLS=linux/arm64',
    'FROM --platform=$TOOLS base AS tool',
    'COPY $ONLY_arm64 /a',
    'COPY $ONLY_amd64 /b',
    'FROM base',
    'COPY $ONLY_arm64 /a',
    'COPY $ONLY_amd64 /b',
    '',
  ].join('\n');
  const said = [
    "4 UndefinedVar: Usage of undefined variable '$ONLY_amd64' (did you mean $ONLY_arm64?)",
    "6 UndefinedVar: Usage of undefined variable '$ONLY_arm64' (did you mean $ONLY_amd64?)",
  ];

  it('keeps them apart, whichever is found last', async () => {
    expect(await findings(text, [ARM64, AMD64])).toEqual(said);
    expect(await findings(text, [AMD64, ARM64])).toEqual(said);
  });

  it('takes nothing of another platform for the one that was not found', async () => {
    expect(await findings('FROM base\nCOPY $ONLY_amd64 /\n', [ARM64])).toEqual([]);
  });
});
