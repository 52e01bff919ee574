import { afterEach, describe, expect, it, vi } from 'vitest';
import { readIdMaps } from '../../src/executor/id-map.ts';
import { isInUserNamespace } from '../../src/executor/user-namespace.ts';

const realRoot = process.geteuid?.() === 0 && !readIdMaps().nested;

describe('the mark of our own user namespace', () => {
  afterEach(() => vi.unstubAllEnvs());

  // What is meant for such a namespace, its limit of further ones, would be set for the whole machine.
  it.skipIf(!realRoot)("is not believed when the machine's root has set it by hand (as root)", () => {
    vi.stubEnv('TSBUILD_USERNS', 'mapped');
    expect(isInUserNamespace()).toBe(false);
  });
});
