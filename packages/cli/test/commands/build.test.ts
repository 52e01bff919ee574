import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Layout } from '@tsbuild/oci/node';
import { expect, describe, it } from 'vitest';
import { temporaryDirectory, tsbuild } from '../testing-host.ts';

const SIMPLE = 'FROM scratch\nCOPY . /app/\nENV A=1\nCMD ["/app/run"]\n';

async function project(dockerfile = SIMPLE) {
  const root = await temporaryDirectory();
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, 'Dockerfile'), dockerfile);
  await writeFile(join(cwd, 'run'), 'echo');
  return {
    root,
    cwd,
    build: (argv: readonly string[], choices: Parameters<typeof tsbuild>[1] = {}) =>
      tsbuild(['build', ...argv], { root, cwd, ...choices }),
  };
}

// An ordinary user's build starts the program again in a user namespace, which a test in this process cannot.
describe.skipIf(process.geteuid?.() !== 0)('build (needs root)', () => {
  it('shows the steps, puts the image into the store and says what to do next', async () => {
    const { root, build } = await project();
    const first = await build(['-t', 'my-app', '.']);
    expect(first).toMatchObject({ code: 0, stdout: '' });
    const image = await (await Layout.open(root)).resolve('my-app');
    expect(first.stderr).toMatch(
      /^#1 \[stage-0 1\/1\] COPY \. \/app\/\n#1 DONE \d+\.\ds\nLayers:\n {7}55B {2}COPY \. \/app\/\nBuilt my-app \([0-9a-f]{12}, /,
    );
    expect(first.stderr).toMatch(/ Next: tsbuild save my-app \| docker load\n$/);
    const again = await build(['-t', 'my-app', '.']);
    expect(again.stderr).toMatch(/\n#1 CACHED {2}.+\nBuilt my-app .*, every step cached[,.] /);
    expect((await (await Layout.open(root)).resolve('my-app')).id).toBe(image.id);
  });

  it('prints the image ID alone with --quiet, and writes it with --iidfile', async () => {
    const { cwd, build } = await project();
    const { code, stdout, stderr } = await build(['-q', '--iidfile', 'id', '.']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(await readFile(join(cwd, 'id'), 'utf8')).toBe(stdout.trim());
  });

  it('prints events as JSON, a failure too', async () => {
    const { build } = await project();
    const events = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const good = await build(['--progress=json', '.']);
    expect(events(good.stderr).map((event) => event.type)).toContain('image-built');
    const bad = await build(['--progress=json', '--target', 'nope', '.']);
    expect(bad.code).toBe(1);
    expect(events(bad.stderr).at(-1)).toMatchObject({ type: 'error' });
  });

  it.each([['-o', 'my-app.tar'], ['--output=type=docker,dest=my-app.tar'], ['-o', 'type=oci,dest=my-app.tar']])(
    'writes an archive with %s %s',
    async (...output) => {
      const { cwd, root, build } = await project();
      const outcome = await build(['-t', 'my-app', ...output, '.']);
      expect(outcome.code).toBe(0);
      expect(outcome.stderr).toContain('Next: docker load -i my-app.tar\n');
      const other = await temporaryDirectory();
      const loaded = await tsbuild(['load', '-i', join(cwd, 'my-app.tar')], { root: other });
      expect(loaded).toMatchObject({ code: 0, stdout: 'Loaded image: my-app:latest\n' });
      const ids = await Promise.all(
        [root, other].map(async (at) => (await (await Layout.open(at)).resolve('my-app')).id),
      );
      expect(ids[0]).toBe(ids[1]);
    },
  );

  it('writes the archive to standard output with -o -', async () => {
    const { build } = await project();
    const { code, data } = await build(['-t', 'my-app', '-o', '-', '.']);
    expect(code).toBe(0);
    expect(data.length % 512).toBe(0);
    expect(data.includes('manifest.json')).toBe(true);
  });

  it('reads the Dockerfile from standard input with -f -', async () => {
    const { build } = await project('nonsense');
    const { code, stderr } = await build(['-f', '-', '.'], { stdin: 'FROM scratch\nCOPY run /\n' });
    expect(stderr).toContain('COPY run /');
    expect(code).toBe(0);
    expect((await build(['-'], { stdin: 'FROM scratch\nENV A=1\n' })).code).toBe(0);
  });

  it('draws the frame of the line that is wrong', async () => {
    const { build } = await project('FROM scratch\n\nCOPPY . /\n');
    const { code, stderr } = await build(['.']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Dockerfile:3\n-+\n {3}1 \| {5}FROM scratch\n {3}2 \|\n {3}3 \| >>> COPPY \. \/\n-+\nERROR: /,
    );
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('leaves nothing half-written when the archive cannot be written', async () => {
    const { cwd, build } = await project();
    await mkdir(join(cwd, 'taken'));
    const { code, stderr } = await build(['-t', 'my-app', '-o', 'type=docker,dest=taken', '.']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nERROR: .*taken: illegal operation on a directory/);
    expect((await readdir(cwd)).toSorted()).toEqual(['Dockerfile', 'run', 'taken']);
  });

  it('looks whether the archive has a folder before it builds', async () => {
    const { build } = await project();
    const { code, stderr } = await build(['-t', 'my-app', '-o', 'run/my-app.tar', '.']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERROR: cannot write run\/my-app\.tar: .* is not a directory\n$/);
  });

  it('fails for a missing context or Dockerfile', async () => {
    const { build } = await project();
    expect(await build(['nope'])).toMatchObject({ code: 1, stderr: 'ERROR: the context nope does not exist\n' });
    expect((await build(['Dockerfile'])).stderr).toMatch(/is not a directory\nhint: .*tsbuild build -f Dockerfile \./);
    expect((await build(['-f', 'nope', '.'])).code).toBe(1);
    expect((await build(['-'], { stdin: '' })).stderr).toMatch(/standard input is empty/);
  });
});

it.each([
  [['-t', 'UPPER', '.'], /invalid --tag: .*lowercase/],
  [['-t', 'a@sha256:0', '.'], /invalid --tag/],
  [['--build-arg', '=x', '.'], /invalid --build-arg "=x"/],
  [['--label', '', '.'], /invalid --label ""/],
  [['--platform', 'linux', '.'], /invalid --platform/],
  [['--platform', 'plan9/mips', '.'], /not supported yet: --platform plan9\/mips/],
  [['--platform', 'linux/amd64,plan9/mips', '.'], /not supported yet: --platform plan9\/mips/],
  [['--platform', 'all,linux/amd64', '.'], /--platform all cannot be used with other platforms/],
  [
    ['--platform', 'linux/amd64', '--annotation', 'index:a=b', '.'],
    /index annotations are not supported for an image of a single/,
  ],
  [['--network', 'bridge', '.'], /invalid value "bridge" for --network/],
  [['-o', '', '.'], /invalid --output ""/],
  [
    ['-o', 'type=dokcer', '.'],
    /expected type=docker, type=oci, type=local, type=tar, type=image, type=registry or type=cacheonly/,
  ],
  [['-o', 'type=docker,compression=gzip', '.'], /not supported yet: compression=gzip in --output/],
  [['-o', '-', '-o', '-', '.'], /twice/],
  [['-q', '-o', '-', '.'], /both write to standard output/],
  [['--verify', '--fail-on-miss', '.'], /--verify runs every step/],
  [['--push', '.'], /the image needs a name to be pushed\nhint: .*-t ghcr/],
  [['-o', 'type=registry', '.'], /the image needs a name to be pushed/],
  [['-o', 'type=registry,name=UPPER', '.'], /invalid --output .*lowercase/],
  [['-o', 'type=registry,dest=x', '.'], /not supported yet: dest=/],
  [['-o', 'type=oci,tar=false', '.'], /tar=false needs dest=DIR/],
  [['-o', 'type=docker,dest=x,tar=false', '.'], /tar=false is for type=oci/],
  [['-o', 'type=oci,dest=x,tar=no', '.'], /tar= must be true or false/],
])('build %j is a wrong command line', async (argv, message) => {
  const { code, stdout, stderr } = await tsbuild(['build', ...argv]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

it('refuses to write an archive to a terminal', async () => {
  expect((await tsbuild(['build', '-o', '-', '.'], { terminal: 'stdout' })).stderr).toMatch(/refusing/);
});

it('refuses a SOURCE_DATE_EPOCH that is no number', async () => {
  const env = { SOURCE_DATE_EPOCH: 'yesterday' };
  expect(await tsbuild(['build', '.'], { env })).toMatchObject({ code: 2 });
});

describe.skipIf(process.geteuid?.() !== 0)('build --watch (needs root)', () => {
  it.each([
    [['-'], /--watch needs a directory as the context/],
    [['https://example.invalid/context.tar'], /--watch needs a directory as the context/],
    [['-f', 'https://example.invalid/Dockerfile', '.'], /--watch needs a local Dockerfile/],
    [['--verify', '.'], /--watch and --verify cannot be used together/],
    [['--debug-shell', '.'], /--watch and --debug-shell/],
    [['--on-error', 'shell', '.'], /--watch and --on-error shell/],
    [['--check', '.'], /--watch and --call cannot be used together/],
    [['-o', '-', '.'], /several archives/],
    [['-o', 'type=tar,dest=-', '.'], /several archives/],
  ])('refuses %j', async (argv, message) => {
    const { build } = await project();
    const { code, stderr } = await build(['--watch', ...argv], { stdin: 'FROM scratch\n' });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('ends with a wrong command line that only the builder finds', async () => {
    const { build } = await project();
    expect((await build(['--watch', '--build-context', 'UPPER=.', '.'])).code).toBe(2);
  });
});
