import { type JsonValue, sha256Digest } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import { claimsOf } from '../../src/attestation/claims.ts';
import type { StepFacts } from '../../src/attestation/step-facts.ts';

function step(operation: string, definition: JsonValue): StepFacts {
  const digest = sha256Digest(operation);
  const preimage = { operation, definition, inputs: [] };
  return { id: 'a', line: 1, key: digest, output: digest, started: 0, finished: 1, contexts: new Map(), preimage };
}
const copy = step('copy', { epoch: null });
const run = (network: string, ...mounts: readonly string[]): StepFacts =>
  step('run', { network, mounts: mounts.map((kind) => ({ kind })) });

describe('what a provenance claims', () => {
  it.each([
    ['nothing but copies', [copy], true, true],
    ['a command without a network', [copy, run('none', 'bind', 'secret', 'tmpfs')], true, true],
    ['a command with a network', [copy, run('host')], true, false],
    ['an agent, by which files can be fetched', [run('none', 'ssh')], true, false],
    ['a cache that other builds have filled', [run('none', 'cache')], false, false],
    ['a step whose record is gone', [copy, { ...copy, preimage: undefined }], false, false],
  ])('of a build with %s', (_name, steps, isComplete, isHermetic) => {
    expect(claimsOf(steps)).toEqual({ isComplete, isHermetic });
  });
});
