// The order of the end-to-end tests. vitest goes by the size of a file until it has seen it run, and a fresh clone never has: the
// shortest files walk the longest tables, so that one of them would run at the end, alone, on one core.
import { basename } from 'node:path';
import { BaseSequencer } from 'vitest/node';

/** What takes longest, the longest first; all the rest comes after it in vitest's own order. `npm run ok` prints what to put here. */
const LONGEST = [
  'containers-cp',
  'fleet',
  'containers-compared',
  'sandbox',
  'real-world',
  'terminal-text',
  'containers-killed',
  'docker-export',
  'conformance',
  'reproducible',
  'faults',
  'containers',
  'lying-input',
  'pods',
  'containers-volumes',
  'killed',
  'concurrent',
  'containers-tutorial',
  'emulation',
  'image-index',
];

/** Where a file stands among the longest; behind them when it is none. */
function placeOf({ project, moduleId }) {
  const at = project.name === 'e2e' ? LONGEST.indexOf(basename(moduleId, '.test.ts')) : -1;
  return at < 0 ? LONGEST.length : at;
}

export class LongestFirst extends BaseSequencer {
  async sort(files) {
    const groupOf = ({ project }) => project.config.sequence.groupOrder;
    // oxlint-disable-next-line unicorn/no-array-sort -- vitest's own, which gives a new list
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => groupOf(a) - groupOf(b) || placeOf(a) - placeOf(b));
  }
}
