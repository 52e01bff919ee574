import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Layout } from '@tsbuild/oci/node';
import { NOW, temporaryDirectory, tsbuild } from '../testing-host.ts';

const DOCKERFILE =
  'FROM scratch AS one\nCOPY a /a\nFROM scratch\nARG NAME=x\nCOPY src /src/\nCOPY --from=one /a /$NAME\n';

async function project() {
  const root = await temporaryDirectory();
  const cwd = await temporaryDirectory();
  await mkdir(join(cwd, 'src'));
  for (const name of ['Dockerfile', 'a', 'src/1', 'src/2', 'src/3']) await writeFile(join(cwd, name), DOCKERFILE);
  const run = (...argv: string[]) => tsbuild(argv, { root, cwd });
  const build = (...argv: string[]) => run('build', '--progress=plain', ...argv, '.');
  await build('-t', 'my-app');
  return { root, cwd, run, build };
}

/** Every age is of the test's own clock, which stands still. */
const without = (text: string): string => text.replace(/\d+\.\ds/g, 'N.Ns').replace(/[0-9a-f]{12}/g, 'ID');

// An ordinary user's build starts the program again in a user namespace, which a test in this process cannot.
describe.skipIf(process.geteuid?.() !== 0)('the cache (needs root)', () => {
  it('says under each step why it runs again, and how much the others saved', async () => {
    const { cwd, build } = await project();
    await writeFile(join(cwd, 'src/1'), 'new');
    await writeFile(join(cwd, 'src/2'), 'new');
    await chmod(join(cwd, 'src/3'), 0o600);
    const { stderr } = await build('-t', 'my-app', '--build-arg', 'NAME=y');
    expect(stderr).toMatch(/#1 \[one 1\/1\] COPY a \/a\n(?:.*\n)*#1 CACHED {2}/);
    expect(stderr).toContain('#2 ran again: src/1 changed and 2 more\n');
    expect(stderr).toContain('#3 ran again: ARG NAME: x → y and 2 more\n');
    expect(without(stderr)).toMatch(
      /\nLayers:\n +\d+B {2}COPY src \/src\/\n(?:.*\n)*Built my-app \(ID, .*\) in N\.Ns, 1 of 3 steps cached/,
    );
  });

  it('explains the last build, step by step and whole', async () => {
    const { cwd, run, build } = await project();
    await writeFile(join(cwd, 'src/1'), 'new');
    await chmod(join(cwd, 'src/2'), 0o600);
    await build('-t', 'my-app');
    const text = await run('cache', 'explain', 'last');
    expect(
      without(text.stdout)
        .replace(/CACHED .*/g, 'CACHED')
        .replace(', saved N.Ns', '')
        .replace(/(run of|Dockerfile,) .* ago/g, '$1 AGE'),
    ).toBe(
      [
        'Dockerfile, AGE: my-app:latest (288B) in N.Ns; 2 of 3 steps cached',
        '',
        '#1 [one 1/1] COPY a /a',
        '   CACHED',
        '#2 [stage-1 1/2] COPY src /src/',
        '   ran again: src/1 changed and 1 more (took N.Ns)',
        '   compared with the run of AGE:',
        '   - src/1 changed',
        '   - src/2: mode 0644 → 0600',
        '#3 [stage-1 2/2] COPY --from=one /a /x',
        '   CACHED',
        '',
      ].join('\n'),
    );
    const json = JSON.parse((await run('cache', 'explain', 'my-app', '--step', '2', '--format', 'json')).stdout);
    expect(json).toMatchObject({
      version: 2,
      image: { names: ['my-app:latest'] },
      steps: [
        {
          number: 2,
          state: 'run',
          reason: { kind: 'changed', total: 2, changes: [{ name: 'src/1' }, { after: '0600' }] },
        },
      ],
    });
    expect(await run('cache', 'explain', 'last', '--step', '4')).toMatchObject({
      code: 2,
      stderr: 'ERROR: --step 4: no such step\nhint: the build has the steps 1 to 3\n',
    });
    expect(await run('cache', 'explain', 'nothing')).toMatchObject({ code: 1 });
  });

  it('fails instead of running a step with --fail-on-miss, with exit code 1, and tells programs too', async () => {
    const { cwd, root, build } = await project();
    expect(await build('--fail-on-miss')).toMatchObject({ code: 0 });
    await writeFile(join(cwd, 'src/1'), 'new');
    const images = (await (await Layout.open(root)).images()).length;
    const failed = await build('--fail-on-miss');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('ERROR: step #2 COPY src /src/ would have to run: src/1 changed\n');
    expect(await build('--fail-on-miss=one')).toMatchObject({ code: 0 });
    await writeFile(join(cwd, 'a'), 'new');
    expect(await build('--fail-on-miss=one/1')).toMatchObject({ code: 1 });
    expect((await (await Layout.open(root)).images()).length).toBe(images + 1);
    expect(await build('--fail-on-miss=no-such')).toMatchObject({ code: 2 });
    const json = await tsbuild(['build', '--progress=json', '--fail-on-miss', '.'], { root, cwd });
    const events = json.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'CACHE_MISS' });
    expect(events.find(({ type }) => type === 'step-missed')).toMatchObject({
      reason: { kind: 'changed', summary: 'a changed' },
    });
  });

  it('is listed as a table, as JSON, by template and by filter', async () => {
    const { run } = await project();
    const table = (await run('cache', 'ls')).stdout.split('\n');
    expect(table[0]).toMatch(/^ID +TYPE +SIZE +CREATED +LAST USED +USES +SHARED +DESCRIPTION$/);
    expect(table.filter((line) => / record /.test(line))).toHaveLength(3);
    expect(table.at(-2)).toMatch(/^Total: .* that can be reclaimed, .* shared with images$/);
    const rows = (await run('buildx', 'du', '--format', 'json', '--filter', 'type=record')).stdout.trim().split('\n');
    expect(JSON.parse(rows[0] ?? '')).toMatchObject({
      CacheType: 'record',
      Shared: expect.stringMatching(/true|false/),
    });
    expect(rows).toHaveLength(3);
    const ids = (await run('cache', 'ls', '--format', '{{.ID}}', '--filter', 'type=context')).stdout;
    expect(ids).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await run('cache', 'ls', '-q', '--filter', `id=${ids.slice(0, 8)}`)).stdout).toBe(`${ids.slice(0, 12)}\n`);
    const df = (await run('system', 'df')).stdout;
    expect(df).toMatch(/^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +1 +1 .*\nBuild Cache +4 +2 /);
    expect(NOW).toBeGreaterThan(0);
  });

  it('has what was found of packages, counts it and frees it', async () => {
    const { run } = await project();
    await run('image', 'packages', 'my-app');
    const size = ['--filter', 'type=packages', '--format', '{{.Size}}'];
    expect((await run('cache', 'ls', ...size)).stdout).toMatch(/^[1-9][\d.]*kB\n$/);
    const df = (await run('system', 'df')).stdout;
    expect(df).toMatch(/\nBuild Cache +5 /);
    // It is small, and dear: only by name, or with everything.
    await run('cache', 'prune', '-f');
    expect((await run('cache', 'ls', ...size)).stdout).not.toBe('');
    const pruned = await run('cache', 'prune', '-f', '--filter', 'type=packages');
    expect(pruned.stdout).toMatch(/\nTotal reclaimed space: [1-9][\d.]*kB\n$/);
    expect((await run('cache', 'ls', ...size)).stdout).toBe('');
    expect((await run('image', 'packages', 'my-app')).code).toBe(0);
    await run('system', 'prune', '-af');
    expect((await run('cache', 'ls', ...size)).stdout).toBe('');
  });

  it('is pruned with --force alone where nobody can be asked, and says what it freed', async () => {
    const { run, build } = await project();
    expect(await run('cache', 'prune')).toMatchObject({
      code: 2,
      stderr: 'ERROR: cannot ask for confirmation: standard input is not a terminal\nhint: use --force, or --dry-run\n',
    });
    const dry = await run('cache', 'prune', '--dry-run');
    expect(dry.stdout).toMatch(/\nTotal that would be reclaimed: [\d.]+kB\n$/);
    expect(dry.stdout).toContain('[one] COPY a /a');
    const pruned = await run('builder', 'prune', '-f');
    expect(pruned.stdout).toMatch(/\nTotal reclaimed space: [\d.]+kB\n$/);
    expect((await run('cache', 'prune', '-f')).stdout).toBe('Total reclaimed space: 0B\n');
    expect((await build('-t', 'my-app')).stderr).toMatch(/#1 ran again: its record was pruned\n/);
    await run('cache', 'prune', '-af');
    expect((await run('cache', 'ls', '-q')).stdout).toBe('');
  });

  it.each([
    [['ls', '--filter', 'x=1'], 'invalid --filter "x=1": expected one of until, unused-for, type, id'],
    [['ls', '--filter', 'until'], 'invalid --filter "until": expected KEY=VALUE'],
    [['prune', '--filter', 'until=soon'], 'invalid --filter "until=soon": expected a duration: 24h, 90m, 2h30m, 7d'],
    [['prune', '--filter', 'type=recrd'], 'invalid --filter "type=recrd": expected one of record, '],
    [['prune', '--keep-storage', 'much'], 'invalid --keep-storage "much": expected a size: 500m, 10g'],
  ])('refuses %j', async (argv, message) => {
    const { code, stderr } = await tsbuild(['cache', ...argv], { root: '/nonexistent/tsbuild' });
    expect(code).toBe(2);
    expect(stderr).toContain(`ERROR: ${message}`);
  });
});
