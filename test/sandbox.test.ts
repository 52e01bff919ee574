import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ESCAPES } from '../hostile/sandbox/escapes.ts';
import { FEATURES } from '../hostile/sandbox/features.ts';
import { type Intruder, INTRUDERS } from '../hostile/sandbox/intruders.ts';
import { type Mode, modes } from '../hostile/sandbox/modes.ts';
import { Host } from '../hostile/sandbox/prey.ts';
import { tryMode } from '../hostile/sandbox/trial.ts';
import { lab, withoutRoot } from './support/lab.ts';
import { scratch } from './support/tsbuild.ts';

// `npm run sandbox` tries all of them, on Debian.
const features = FEATURES.filter((_, i) => i % 3 === 2);
const escapes = ESCAPES.filter(({ needs }) => needs === undefined);

// Joins in every mode; each other intruder in one of them.
const MODES = ['root, runc', 'root, util-linux', 'user, subuids', 'user, single id'];
const intrudersOf = (mode: string): readonly Intruder[] =>
  INTRUDERS.filter((_, i) => i === 0 || (i - 1) % MODES.length === MODES.indexOf(mode));

describe.skipIf(withoutRoot)('what a RUN can do, and what it cannot (needs root, for the modes of other users)', () => {
  let host: Host;
  let offered: readonly Mode[];
  beforeAll(async () => {
    const folder = await scratch();
    host = await Host.make(folder);
    const { canary } = host;
    ({ offered } = await modes({ folder, cli: lab.cli, seed: lab.seed, canary: canary.path, secret: canary.secret }));
  });
  afterAll(() => host[Symbol.dispose]());

  it.each(MODES)('%s', async (name) => {
    const mode = offered.find((one) => one.name === name);
    if (mode === undefined) throw new Error(`this machine does not offer the mode ${name}`);
    const trial = await tryMode(mode, host, { base: 'busybox', features, escapes, intruders: intrudersOf(name) });
    const wrong = [
      ...features.map(({ name: what }, i) => [what, trial.features[i]] as const),
      ...escapes.map(({ name: what }, i) => [what, trial.escapes[i]] as const),
    ];
    expect(wrong.filter(([, cell]) => cell?.good !== true)).toEqual([]);
    expect(trial.harm).toBeUndefined();
  });
});
