import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GeneratedBuild } from '../lab/generated-build.ts';
import type { Lab } from '../lab/lab.ts';
import type { Place } from '../lab/place.ts';
import { type Exchange, isMount, isUpload, tally } from '../proxy/exchange.ts';
import { BuildKit } from './buildkit.ts';

/** One measurement of one builder. */
export interface Sample {
  readonly seconds: number;
  readonly requests: number;
  readonly down: number;
  readonly up: number;
  readonly mounted: number;
  readonly sent: number;
  readonly hitPercent: number;
}

/** A row of the comparison: what was done, and what it took each. */
export interface ComparedRow {
  readonly title: string;
  readonly ours: Sample;
  readonly theirs: Sample | undefined;
}

/** What {@link compare} found. */
export interface Comparison {
  /** Who was compared, or why nobody. */
  readonly peer: string;
  readonly rows: readonly ComparedRow[];
  readonly faults: readonly string[];
}

const place: Place = { repository: 'fleet/peer-cache', tag: 'main' };
const MIB = 2 ** 20;

/** What one builder of a comparison can do: each build is by an empty machine. */
interface Contender {
  build(build: GeneratedBuild, options: { readonly cache: string; readonly push?: string }): Promise<Sample>;
}

/** Builds the same beside each other, in turn: tsbuild with its registry cache, and BuildKit with its own. */
export async function compare(lab: Lab): Promise<Comparison> {
  const faults: string[] = [];
  const lane = await lab.proxy.lane('buildkit');
  const peer = await BuildKit.start(join(lab.directory, 'engine'), lane);
  await using kept = typeof peer === 'string' ? undefined : peer;
  const us = tsbuild(lab, faults);
  const them = kept === undefined ? undefined : buildkit(lab, kept, lane, faults);
  const rounds = lab.size.isFull ? 3 : 1; // the middle one counts
  const small = await copyAndRun(lab);
  const large = await lab.generate('peers', { isSmall: false });
  const other = await lab.generate('peers-other', { isSmall: false });

  const both = async (
    title: string,
    work: (contender: Contender, name: string) => Promise<readonly Sample[]>,
  ): Promise<ComparedRow> => {
    const ours = middle(await work(us, 'ours'));
    return { title, ours, theirs: them === undefined ? undefined : middle(await work(them, 'theirs')) };
  };
  const repeated = async (once: (round: number) => Promise<Sample>): Promise<Sample[]> => {
    const samples: Sample[] = [];
    for (let round = 0; round < rounds; round++) samples.push(await once(round));
    return samples;
  };
  const rows = [
    await both('empty machine: FROM + COPY + RUN + push to the same registry, all cached', async (contender, name) => {
      const cache = `fleet/${name}-small-cache:main`;
      await contender.build(small, { cache, push: `fleet/${name}-small:first` });
      return repeated((round) => contender.build(small, { cache, push: `fleet/${name}-small-${round}:main` }));
    }),
    await both('empty machine: 20 steps in 3 stages, all cached', async (contender, name) => {
      const cache = `fleet/${name}-large-cache:main`;
      await contender.build(large, { cache });
      return repeated(() => contender.build(large, { cache }));
    }),
    await both(
      'empty machine: the same after another branch has built through the same reference',
      async (contender, name) => {
        const cache = `fleet/${name}-branches-cache:main`;
        await contender.build(large, { cache });
        await contender.build(other, { cache });
        return repeated(() => contender.build(large, { cache }));
      },
    ),
  ];
  return { peer: typeof peer === 'string' ? `not compared with BuildKit: ${peer}` : peer.name, rows, faults };
}

function tsbuild(lab: Lab, faults: string[]): Contender {
  return {
    async build(build, { cache, push }) {
      const [repository = place.repository, tag = place.tag] = cache.split(':');
      await using station = await lab.builder('peer');
      const args = push === undefined ? [] : ['-t', `${station.host}/${push}`, '--push'];
      const built = await station.build(build, { repository, tag }, { args });
      if (built.exitCode !== 0) faults.push(`tsbuild: ${built.stderr.trim().slice(-400)}`);
      const hits = built.steps.filter(({ end }) => end === 'cached').length;
      return sampleOf(built.milliseconds, built.exchanges, hits, built.steps.length);
    },
  };
}

function buildkit(lab: Lab, peer: BuildKit, host: string, faults: string[]): Contender {
  return {
    async build({ directory }, { cache, push }) {
      await peer.forget();
      const from = lab.proxy.exchanges.length;
      const built = await peer.build({ context: directory, host, cache, ...(push === undefined ? {} : { push }) });
      if (built.exitCode !== 0) faults.push(`${peer.name}: ${built.stderr.trim().slice(-400)}`);
      return sampleOf(built.milliseconds, lab.proxy.since(from, 'buildkit'), built.hits, built.steps);
    },
  };
}

function sampleOf(milliseconds: number, exchanges: readonly Exchange[], hits: number, steps: number): Sample {
  return {
    seconds: Math.round(milliseconds / 10) / 100,
    ...tally(exchanges),
    mounted: exchanges.filter(isMount).length,
    sent: exchanges.filter(isUpload).length,
    hitPercent: steps === 0 ? 0 : Math.round((hits / steps) * 100),
  };
}

/** The sample with the middle time. */
function middle(samples: readonly Sample[]): Sample {
  const sorted = samples.toSorted((a, b) => a.seconds - b.seconds);
  const found = sorted[Math.floor(sorted.length / 2)];
  if (found === undefined) throw new RangeError('nothing was measured');
  return found;
}

/** FROM, COPY of 16 MiB and RUN that writes as much. */
async function copyAndRun(lab: Lab): Promise<GeneratedBuild> {
  const directory = join(lab.directory, 'contexts/copy-and-run');
  await mkdir(directory, { recursive: true });
  const random = lab.random('copy-and-run');
  const data = Buffer.alloc(16 * MIB);
  for (let at = 0; at < data.length; at += 4) data.writeUInt32LE(random.next(), at);
  await writeFile(join(directory, 'data.bin'), data);
  await writeFile(
    join(directory, 'Dockerfile'),
    'ARG REGISTRY\nFROM $REGISTRY/fleet/busybox\nCOPY data.bin /app/\nRUN tr a-z A-Z </app/data.bin >/app/upper.bin\n',
  );
  return { directory, files: ['data.bin'] };
}
