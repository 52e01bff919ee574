import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describe as nameOf, tryAll } from '../faults/main.ts';
import { pointsOf, spread, watch } from '../faults/points.ts';
import { Lab } from '../faults/scenario.ts';
import { lab, without, withoutRoot } from './support/lab.ts';
import { scratch } from './support/tsbuild.ts';

describe.skipIf(without('strace') || withoutRoot)(
  'a process dies, or a system call fails (needs root and strace)',
  () => {
    it('at 40 points, of the hundreds that npm run faults -- --full tries', { timeout: 600_000 }, async () => {
      const directory = await scratch();
      await using faults = await Lab.open(directory, lab.cli, lab.bases['busybox'] ?? '');
      const watched = [];
      for (const scenario of faults.scenarios) watched.push(await watch(faults, scenario));
      const all = watched.flatMap(pointsOf);
      expect(all.length).toBeGreaterThan(500);
      const outcomes = await tryAll(faults, spread(all, 40), watched, 3);
      expect(
        outcomes
          .filter((outcome) => outcome.faults.length > 0)
          .map(({ point, faults: wrong }) => ({ point: nameOf(point), wrong })),
      ).toEqual([]);
      expect(outcomes).toHaveLength(40);
      // A sweep in which nothing goes wrong would show nothing.
      expect(outcomes.filter(({ end }) => end === 'killed').length).toBeGreaterThan(10);
      expect(outcomes.filter(({ end }) => end === 'failed').length).toBeGreaterThan(2);
      expect(readdirSync(directory).filter((name) => name.startsWith('point-'))).toEqual([]);
    });
  },
);
