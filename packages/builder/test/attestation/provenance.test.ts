import { parsePlatform, sha256Digest } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import type { BuildRequest } from '../../src/attestation/attested-build.ts';
import { provenance, type ProvenanceParts } from '../../src/attestation/provenance.ts';
import type { StepFacts } from '../../src/attestation/step-facts.ts';
import type { PlatformPlan } from '../../src/plan/platforms/build-plan.ts';

const digest = sha256Digest('x');
const base = { Env: ['GPG_KEY=of-the-base-image'] };
const plan = {
  platform: parsePlatform('linux/amd64'),
  stages: [],
  target: { base: { config: base } },
} as unknown as PlatformPlan;
const REQUEST: BuildRequest = {
  dockerfile: { path: 'Dockerfile', text: 'FROM scratch\n' },
  context: 'local',
  buildArgs: new Map([['DB_PASSWORD', 'correct horse']]),
  labels: new Map(),
  secrets: ['npm'],
  ssh: ['default'],
  contexts: new Map([['lib', 'local']]),
  network: 'default',
};

function run(line: number, definition: Readonly<Record<string, string | readonly string[]>>): StepFacts {
  const preimage = { operation: 'run', definition: { network: 'none', ...definition }, inputs: [] };
  return {
    id: `a/${line}`,
    line,
    key: digest,
    output: digest,
    started: 1000,
    finished: line * 2000,
    contexts: new Map(),
    preimage,
  };
}

interface Document {
  readonly buildDefinition: {
    readonly externalParameters: unknown;
    readonly internalParameters: { readonly steps: readonly Record<string, unknown>[] };
  };
  readonly runDetails: { readonly metadata: Record<string, unknown> };
}
function made(parts: Partial<ProvenanceParts>, request: Partial<BuildRequest> = {}): Document {
  const build = { request: { ...REQUEST, ...request }, materials: [] };
  const whole = { plan, steps: [], isReproduced: false, tool: { name: 'tsbuild', version: '1' }, build, ...parts };
  return provenance({ options: { mode: 'max' }, ...whole }) as unknown as Document;
}

describe('a provenance', () => {
  it('masks secrets wherever they stand, and leaves out keys by which they could be guessed', () => {
    const steps = [
      run(1, { argv: ['sh', '-c', 'echo correct horse'], environment: ['OTHER=correct horse'] }),
      run(2, { argv: ['sh', '-c', 'curl https://me:letmein@example.com'], environment: ['PATH=/bin'] }),
      run(3, { argv: ['true'], environment: ['GPG_KEY=of-the-base-image', 'NODE_ENV=production'] }),
    ];
    const { steps: told } = made({ steps }).buildDefinition.internalParameters;
    expect(told[0]).toMatchObject({
      line: 1,
      definition: { argv: ['sh', '-c', 'echo ***'], environment: ['OTHER=***'] },
      output: digest,
    });
    expect(JSON.stringify(told[1])).not.toContain('letmein');
    expect(told.slice(0, 2).map((step) => Object.hasOwn(step, 'key'))).toEqual([false, false]);
    // Everybody has the base image's variables.
    expect(told[2]).toMatchObject({ key: digest, definition: steps[2]?.preimage?.definition });
  });

  it('is the same for the same build, and has another id for another one', () => {
    const steps = [run(1, { argv: ['true'] })];
    const first = made({ steps });
    expect(made({ steps })).toEqual(first);
    const other = made({ steps }, { network: 'none' });
    expect(other.runDetails.metadata['invocationId']).not.toBe(first.runDetails.metadata['invocationId']);
  });

  it('has the times of its steps: from the first start to the last end', () => {
    const times = made({ steps: [run(2, {}), run(1, {})] }).runDetails.metadata;
    expect(times).toMatchObject({ startedOn: '1970-01-01T00:00:01Z', finishedOn: '1970-01-01T00:00:04Z' });
    expect(made({}).runDetails.metadata).not.toHaveProperty('startedOn');
  });

  it('tells what was asked for', () => {
    expect(made({}, { target: 'test', epoch: 1 }).buildDefinition.externalParameters).toEqual({
      dockerfile: { path: 'Dockerfile', digest: { sha256: sha256Digest('FROM scratch\n').slice('sha256:'.length) } },
      context: 'local',
      platform: 'linux/amd64',
      network: 'default',
      target: 'test',
      buildArgs: [{ name: 'DB_PASSWORD', value: '***' }],
      secrets: [{ id: 'npm' }],
      ssh: [{ id: 'default' }],
      contexts: [{ name: 'lib', source: 'local' }],
      sourceDateEpoch: 1,
    });
  });
});
