import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { catalog } from '../src/commands/catalog.ts';
import { version } from '../src/host/version.ts';
import { tsbuild } from './testing-host.ts';

describe('help', () => {
  it('of the program lists the commands', async () => {
    const { code, stdout } = await tsbuild([]);
    expect(code).toBe(0);
    expect(stdout).toMatchSnapshot();
    expect((await tsbuild(['--help'])).stdout).toBe(stdout);
    expect((await tsbuild(['help'])).stdout).toBe(stdout);
    expect((await tsbuild(['image'])).stdout).toBe(stdout);
  });

  it.each(Object.keys(catalog))('of %s', async (name) => {
    const { code, stdout } = await tsbuild([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatchSnapshot();
    expect((await tsbuild(['help', name])).stdout).toBe(stdout);
    expect((await tsbuild(['-h', name])).stdout).toBe(stdout);
  });

  it('comes before complaints about missing arguments', async () => {
    expect(await tsbuild(['image', 'tag', '-h'])).toMatchObject({ code: 0, stderr: '' });
  });
});

it('shows its version, which is that of the package', async () => {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  expect(version).toBe(manifest.version);
  for (const argv of [['version'], ['buildx', 'version'], ['--version'], ['-v'], ['--debug', 'version']]) {
    expect(await tsbuild(argv)).toMatchObject({ code: 0, stdout: `tsbuild ${version}\n` });
  }
});

it.each([
  [['bild', '.'], 'ERROR: unknown command "bild"\nhint: did you mean build?\n'],
  [['frobnicate'], 'ERROR: unknown command "frobnicate"\nhint: run \'tsbuild --help\'\n'],
  [['constructor'], 'ERROR: unknown command "constructor"\nhint: run \'tsbuild --help\'\n'],
  [['search', 'x'], 'ERROR: not supported yet: tsbuild search\nhint: use the web page of the registry\n'],
  [
    ['explore', 'x'],
    "ERROR: say where the page is to go: -o page.html, -o DIR/, or --serve\nhint: run 'tsbuild explore --help'\n",
  ],
  [
    ['container', 'stats'],
    'ERROR: not supported yet: tsbuild container stats\nhint: use tsbuild top, or systemd-cgtop\n',
  ],
  [
    ['network', 'ls'],
    'ERROR: not supported yet: tsbuild network\nhint: networks are host, private and none: tsbuild run --network\n',
  ],
  [['image', 'nope'], "ERROR: not supported yet: tsbuild image nope\nhint: run 'tsbuild --help'\n"],
  [['--nope'], "ERROR: unknown option --nope\nhint: run 'tsbuild --help'\n"],
  [['images', '--nope'], "ERROR: unknown option --nope\nhint: run 'tsbuild images --help'\n"],
  [
    ['images', 'a', 'b'],
    'ERROR: tsbuild images takes one REPOSITORY[:TAG]: too many with "b"\nhint: run \'tsbuild images --help\'\n',
  ],
  [['tag', 'a'], "ERROR: tsbuild tag needs an IMAGE and a NAME[:TAG]\nhint: run 'tsbuild tag --help'\n"],
  [
    ['build'],
    "ERROR: tsbuild build needs one PATH, the directory of the context (. for this one), a URL, or - for standard input\nhint: run 'tsbuild build --help'\n",
  ],
  [
    ['build', '--print', 'outline', '.'],
    'ERROR: not supported yet: --print\nhint: use --call, its name in newer buildx\n',
  ],
])('%j is a wrong command line', async (argv, stderr) => {
  expect(await tsbuild(argv)).toEqual({ code: 2, stdout: '', stderr, data: Buffer.alloc(0) });
});
