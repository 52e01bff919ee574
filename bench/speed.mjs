#!/usr/bin/env node
// Measures tsbuild beside other builders and the physical limit, on the same data, round by round in a seeded order:
//
//   npm run bench -- [--rounds 5] [--scale 1] [--only cold,changed] [--seed 1] [--peers none|BuildKit,buildah] [--everywhere]
//                    [--before MAIN.JS] [--write] [--json FILE]
//
// --before names the bundle of an earlier commit, to see what a change costs. DOCKER_HOST names the engine to compare with. bench/README.md says how to read the table; --write puts it there.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { exitOnSignals } from '../scripts/run-bundled.mjs';
import { findBuilders } from './speed/builders.mjs';
import { randomNumbers } from './speed/data.mjs';
import { measure, quietly } from './speed/measure.mjs';
import { makePlace } from './speed/place.mjs';
import { machineFacts, table, writeBetweenMarkers } from './speed/report.mjs';
import { makeRows } from './speed/rows.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    peers: { type: 'string', default: 'all' },
    before: { type: 'string' },
    everywhere: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const [rounds, scale] = [Number(values.rounds), Number(values.scale)];
const place = makePlace(Math.ceil(2 + 14 * scale));
exitOnSignals();
process.once('exit', () => place.dispose());

const { folder } = place;
const env = { ...process.env, HOME: join(folder, 'home') };
// Each costs Node some 40 ms at every start, the limit's as well as ours.
delete env.NODE_EXTRA_CA_CERTS;
mkdirSync(env.HOME);
const cli = join(folder, 'cli/main.js');
quietly([process.execPath, join(PROJECT, 'scripts/bundle.mjs'), join(folder, 'cli')]);
// On the same disk as ours, which is read anew at each start.
if (values.before !== undefined) cpSync(dirname(values.before), join(folder, 'before'), { recursive: true });
const before = values.before === undefined ? undefined : join(folder, 'before/main.js');
const isCompared = ({ name, isOurs }) =>
  isOurs === true || values.peers === 'all' || values.peers.split(',').includes(name);
// The one module that stays outside of the bundle: without it what a RUN wrote is unpacked once more for the next step.
symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
const builders = findBuilders({ folder, cli, before, env }).filter(isCompared);
const { rows, bases } = makeRows({ folder, scale, env, cli, only: values.only?.split(',') });
for (const builder of builders) for (const [name, archive] of bases) builder.addBase(name, archive);

const random = randomNumbers(Number(values.seed));
const results = new Map(rows.map(({ id }) => [id, new Map()]));
const take = (row, name, sample) => {
  const samples = results.get(row.id);
  samples.set(name, [...(samples.get(name) ?? []), sample]);
};
const takesPart = (builder, row) => {
  if (builder.isOurs === true) return true;
  const isTooSlow = builder.isSlow && row.isGreat && !values.everywhere;
  return !row.onlyOurs && !isTooSlow;
};
/** Once more, and said, where somebody else's builder fails: one rare failure of theirs need not cost the whole run. */
const measured = (row, contender, prepared) => {
  try {
    return prepared();
  } catch (error) {
    if (contender.isOurs === true || contender === row.limit) throw error;
    console.error(`${contender.name} failed in "${row.title}" and is measured again: ${error.message.trim()}`);
    return prepared();
  }
};
const shuffled = (list) =>
  list
    .map((item) => [random(), item])
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);

// One round more than asked for: the first fills caches and counts for nothing.
for (let round = 0; round <= rounds; round++) {
  for (const row of shuffled(rows)) {
    if (row.root === true && process.getuid() !== 0) continue;
    if (round === 0) for (const builder of builders.filter(({ isOurs }) => isOurs === true)) row.first?.(builder);
    const contenders = builders.filter((builder) => takesPart(builder, row));
    for (const contender of shuffled([...contenders, ...(row.limit === undefined ? [] : [row.limit])])) {
      const isLimit = contender === row.limit;
      const sample = measured(row, contender, () => {
        if (isLimit) row.limit.before?.();
        else row.before?.(contender);
        if (row.writes !== undefined) place.touchMemory(row.writes);
        quietly(['sync']);
        const command = isLimit ? contender.command : row.command(contender);
        return measure(command, { scratch: folder, env: contender.env ?? env, cwd: folder });
      });
      if (!isLimit) row.after?.(contender);
      if (round > 0) take(row, contender.name, sample);
    }
  }
  console.error(round === 0 ? 'warmed up' : `round ${round} of ${rounds}`);
}

const shown = rows.filter(({ hidden }) => hidden !== true);
const text = `${machineFacts({ builders, rounds, scale, mounted: place.mounted, env })}\n\n${table(shown, results)}`;
console.log(text);
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    JSON.stringify(Object.fromEntries([...results].map(([id, of]) => [id, Object.fromEntries(of)]))),
  );
}
if (values.write) writeBetweenMarkers(join(PROJECT, 'bench/README.md'), text);
