import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { buildOptionTable } from '../../src/commands/build/build-options.ts';
import type { OptionSpec } from '../../src/grammar/options.ts';

const PAGE = new URL('../../../../docs/build.md', import.meta.url);

/** `docker build --help` of 20.10 with DOCKER_BUILDKIT=0 and 1, and that of buildx 0.13 to 0.30 with the hidden ones. */
const DOCKERS =
  `add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent check
  compress cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems disable-content-trust file force-rm iidfile invoke isolation
  label load memory memory-swap metadata-file network no-cache no-cache-filter output platform policy print progress provenance
  pull push quiet resource rm sbom secret security-opt shm-size squash ssh tag target ulimit`.split(/\s+/);

/** What the page says of each flag: `yes`, `no effect` or `refused`. */
async function statedFlags(): Promise<ReadonlyMap<string, string>> {
  const [, section = ''] = (await readFile(PAGE, 'utf8')).split('\n## The flags of docker build\n');
  const rows = section.split('\n## ')[0]?.matchAll(/^\| (.*?) \| (yes|no effect|refused) \|/gm) ?? [];
  return new Map(
    [...rows].flatMap(([, flags = '', state = '']) =>
      [...flags.matchAll(/`--([a-z-]+)`/g)].map(([, name = '']) => [name, state] as const),
    ),
  );
}

function stateOf(spec: OptionSpec): string {
  if (spec.later === true) return 'refused';
  return spec.unused === undefined ? 'yes' : 'no effect';
}

it('docs/build.md tells of every flag what the option table says', async () => {
  const table = Object.entries<OptionSpec>(buildOptionTable).map(([name, spec]) => [name, stateOf(spec)] as const);
  const sorted = (flags: Iterable<readonly [string, string]>) => [...flags].toSorted(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted(await statedFlags())).toEqual(sorted(table));
});

it('every flag that docker has is in the option table', () => {
  expect(DOCKERS.filter((name) => !Object.hasOwn(buildOptionTable, name))).toEqual([]);
});
