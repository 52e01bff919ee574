import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { without, withoutRoot } from './support/lab.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const COUNT = fileURLToPath(new URL('support/count-waste.py', import.meta.url));

/** Every kind of waste, each of a size of its own. */
const DOCKERFILE = [
  'FROM busybox',
  'COPY big.bin /app/big.bin',
  'COPY lib /app/lib',
  'RUN mkdir /opt && cp -r /app/lib /opt/lib',
  'RUN chown -R 1000 /app',
  'RUN head -c 5000000 /dev/urandom >/tmp/cache && head -c 2000000 /dev/zero >/app/state',
  'RUN rm /tmp/cache /etc/nsswitch.conf',
  'COPY state.bin /app/state',
  'CMD ["true"]',
  '',
].join('\n');

interface Waste {
  readonly kind: string;
  readonly place: number;
  readonly cause: number;
  readonly bytes: number;
  readonly isOwn: boolean;
}

describe.skipIf(withoutRoot || without('python3'))('layers (needs root, python3)', () => {
  let builder: Tsbuild;
  beforeAll(async () => {
    builder = await tsbuild();
    const context = await contextOf({
      Dockerfile: DOCKERFILE,
      'big.bin': randomBytes(3_000_000),
      'lib/x': randomBytes(1_200_000),
      'lib/y': randomBytes(1_100_000),
      'state.bin': randomBytes(1_500_000),
    });
    await builder.build(context, ['-t', 'waste']);
  });
  const wasteOf = async (image: string): Promise<readonly Waste[]> =>
    (JSON.parse(await builder.output(['layers', '--format', 'json', image])) as { waste: Waste[] }).waste;

  it('finds the waste that a count over the tars finds', async () => {
    const archive = join(await scratch(), 'waste.tar');
    await builder.output(['save', '-o', archive, 'waste']);
    const counted = JSON.parse(execFileSync('python3', [COUNT, archive], { encoding: 'utf8' })) as {
      dead: [number, number, string, number][];
      duplicated: [number, number][];
    };
    const waste = await wasteOf('waste');
    const dead = waste.filter(({ kind }) => kind !== 'duplicated');
    expect(dead.map(({ cause, place, kind, bytes }) => [cause, place, kind, bytes]).toSorted()).toEqual(
      counted.dead.toSorted(),
    );
    const copies = waste.filter(({ kind }) => kind === 'duplicated');
    expect(copies.map(({ place, bytes }) => [place, bytes])).toEqual(counted.duplicated);
    expect(new Set(waste.map(({ kind }) => kind))).toEqual(
      new Set(['attributes', 'deleted', 'overwritten', 'duplicated']),
    );
    // What was deleted from the base image is the base's.
    expect(dead.find(({ place }) => place === 0)).toMatchObject({ kind: 'deleted', isOwn: false });
    // The same of the archive, which tells nothing of lines.
    expect(await wasteOf(archive)).toMatchObject(
      waste.map(({ cause, place, kind, bytes }) => ({ cause, place, kind, bytes })),
    );
  });

  it('tells the line to blame, the place, and what to do', async () => {
    const text = await builder.output(['layers', 'waste']);
    expect(text).toMatch(/^waste {2}linux\/\w+ {2}.* unpacked; base busybox:latest .*, own .*$/m);
    expect(text).toMatch(/^5 .* 5 {2}RUN chown -R 1000 \/app$/m);
    expect(text).toContain(
      [
        '3MB  attributes only  line 5: RUN chown -R 1000 /app',
        '    1 file stored by line 2, /app/big.bin',
        '    Set the owner and the mode where the files are created: COPY --chown and --chmod, or in the same RUN.',
      ].join('\n'),
    );
    expect(text).toContain(
      '5MB  deleted later  line 7: RUN rm /tmp/cache /etc/nsswitch.conf\n    1 file stored by line 6, /tmp/cache\n    Delete them in line 6',
    );
    expect(text).toMatch(/^Waste: 14\.6MB of .* own \(.*\); .* in the base image$/m);
  });

  it('lists files with their layers, the largest, and what is there twice', async () => {
    const largest = await builder.output(['layers', '--largest=2', '--own', 'waste']);
    expect(largest.trimEnd().split('\n')).toEqual(['  3MB  line 5  /app/big.bin', '1.5MB  line 8  /app/state']);
    const files = await builder.output(['layers', '--grep', '**/state', 'waste']);
    expect(files).toMatch(/^-rw\S+ +0:0 +1500000 +8 +\/app\/state\n$/);
    const held = await builder.output(['layers', '--layer', '7', 'waste']);
    expect(held).toMatch(/\/tmp\/\.wh\.cache$/m);
    const twice = await builder.output(['layers', '--duplicates', 'waste']);
    expect(twice).toContain(
      '2.3MB wasted: the same directory of 2.3MB, 2 times\n    /opt/lib  line 4\n    /app/lib  line 5',
    );
    const names = await builder.output(['layers', '--files', '-0', '--grep', 'app/lib', 'waste']);
    expect(names).toBe('/app/lib\0/app/lib/x\0/app/lib/y\0');
    expect(await builder.output(['layers', '--tree=1', 'waste', '/app/lib'])).toBe(
      '   2.3MB  /app/lib\n   1.2MB  x\n   1.1MB  y\n',
    );
  });

  it('fails with a sentence where a bound is passed, and only there', async () => {
    const passed = await builder.run(['layers', '--max-waste', '20MB', '--max-size', '1GB', 'waste']);
    expect(passed.exitCode).toBe(0);
    const waste = await builder.run(['layers', '--max-waste', '10MB', 'waste']);
    expect(waste.stderr).toBe('ERROR: the image wastes 14.6MB of its own layers, --max-waste allows 10.5MB\n');
    expect(waste.exitCode).toBe(1);
    const growth = await builder.run(['layers', '--compare', 'busybox', '--max-growth', '5%', 'waste']);
    expect(growth.stderr).toMatch(/^ERROR: the image grew by .* from .*, --max-growth allows .*\n$/);
    expect(growth.stdout).toMatch(/same +- {2}\(base\)/);
    expect(growth.exitCode).toBe(1);
    const same = await builder.run(['layers', '--compare', 'waste', '--max-growth', '0', 'waste']);
    expect(same.exitCode).toBe(0);
    const usage = await builder.run(['layers', '--max-growth', '5%', 'waste']);
    expect([usage.exitCode, usage.stderr]).toEqual([2, expect.stringContaining('--max-growth needs --compare OTHER')]);
  });

  it('writes what dive writes', async () => {
    const { image, layer } = JSON.parse(await builder.output(['layers', '--format', 'dive', 'waste'])) as {
      image: { efficiencyScore: number; fileReference: { count: number; file: string; sizeBytes: number }[] };
      layer: { command: string; sizeBytes: number }[];
    };
    expect(layer.map(({ command }) => command)).toContain('RUN chown -R 1000 /app');
    expect(image.fileReference.find(({ file }) => file === '/app/big.bin')).toEqual({
      count: 2,
      file: '/app/big.bin',
      sizeBytes: 6_000_000,
    });
    expect(image.efficiencyScore).toBeLessThan(0.6);
  });
});
