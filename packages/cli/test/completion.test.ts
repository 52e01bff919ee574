import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleCommand } from './bundled-command.ts';
import { addSampleImage } from './sample-image.ts';
import { tsbuild } from './testing-host.ts';

const run = promisify(execFile);

let directory: string;
let root: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tsbuild-completion-'));
  root = join(directory, 'store');
  await addSampleImage(root, ['my-app:latest', 'my-app:2', 'ghcr.io/me/web:1']);
  for (const name of ['web', 'db']) await tsbuild(['create', '--name', name, 'my-app'], { root });
  await mkdir(join(directory, 'docker'));
  await writeFile(join(directory, 'Dockerfile'), 'FROM scratch AS one\nFROM scratch AS two\nFROM scratch\n');
  await writeFile(join(directory, 'docker/web'), 'FROM scratch AS web\n');
  const program = await bundleCommand(join(directory, 'program'));
  await mkdir(join(directory, 'bin'));
  await writeFile(join(directory, 'bin/tsbuild'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  await chmod(join(directory, 'bin/tsbuild'), 0o755);
  for (const shell of ['bash', 'zsh', 'fish']) {
    await writeFile(join(directory, `_${shell}`), (await tsbuild(['completion', shell])).stdout);
  }
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What the program offers for the last word of a line; descriptions left out. */
async function offered(...words: string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await tsbuild(['__complete', '--', ...words], { root, cwd: directory });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
}

describe('tsbuild __complete', () => {
  it.each<[readonly string[], readonly string[]]>([
    [['bui'], ['build', 'builder', 'builds', 'buildx']],
    [['builds', 'c'], ['compare']],
    [['builds', 'inspect', 'l'], ['last']],
    [['--debug', 'hist'], ['history']],
    [
      ['cache', ''],
      ['explain', 'export-mount', 'import-mount', 'keygen', 'list', 'ls', 'prune', 'verify'],
    ],
    [
      ['image', 'l'],
      ['layers', 'list', 'load', 'ls'],
    ],
    [
      ['build', '--no-'],
      ['--no-cache', '--no-cache-filter'],
    ],
    [
      ['build', '--target', ''],
      ['one', 'two', 'stage-2'],
    ],
    [['build', '--target=t'], ['--target=two']],
    [['build', '-f', 'docker/web', '--target', ''], ['web']],
    [['build', '-qf', 'docker/web', '--fail-on-miss='], ['--fail-on-miss=web']],
    [['build', '--target', '', '.'], [':dirs']],
    [['build', '-f', ''], [':files']],
    [['build', '-fDockerfile', ''], [':dirs']],
    [['build', '--progress', 'p'], ['plain']],
    [['build', '--progress=p'], ['--progress=plain']],
    [
      ['rmi', 'my'],
      ['my-app:2', 'my-app'],
    ],
    [
      ['cache', 'explain', ''],
      ['last', 'ghcr.io/me/web:1', 'my-app:2', 'my-app'],
    ],
    [['history', 'my-app', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['explain', 'RUN'], ['RUN_FAILED']],
    [
      ['help', 'rm'],
      ['rm', 'rmi'],
    ],
    [['nothing', ''], []],
    [
      ['rm', ''],
      ['web', 'db'],
    ],
    [['rm', 'web', ''], ['db']],
    [['start', 'w'], ['web']],
    [['stop', ''], []], // neither runs
    [['exec', 'web', ''], []],
    [['commit', 'web', 'ghcr'], ['ghcr.io/me/web:1']],
    [['rename', 'web', ''], []],
    [
      ['image', 'in'],
      ['index', 'inspect'],
    ],
    [['image', 'index', 'new', 'ghcr'], ['ghcr.io/me/web:1']],
    [['inspect', 'web', 'd'], ['db']],
    [['build', '-f', 'missing', '--target', ''], []],
  ])('offers for %j %j', async (words, candidates) => {
    expect((await offered(...words)).toSorted()).toEqual(candidates.toSorted());
  });

  it('has a completion for every option that the help shows, and for no other', async () => {
    const { stdout } = await tsbuild(['build', '--help']);
    const shown = [...stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name);
    expect((await offered('build', '--')).toSorted()).toEqual([...new Set(shown)].toSorted());
  });

  it('is silent where there is no store', async () => {
    const outcome = await tsbuild(['__complete', '--', 'rmi', ''], { root: '/nonexistent/store' });
    expect(outcome).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

it('knows no other shell', async () => {
  expect(await tsbuild(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: 'ERROR: no completion for "tcsh"\nhint: expected one of bash, zsh, fish\n',
  });
});

const missing = (shell: string): string =>
  existsSync(`/usr/bin/${shell}`) || existsSync(`/bin/${shell}`) ? '' : ` (needs ${shell})`;
const environment = () => ({
  PATH: `${join(directory, 'bin')}:/usr/bin:/bin`,
  HOME: directory,
  TSBUILD_ROOT: root,
  TERM: 'dumb',
});

/** `@` stands for the test's directory. */
const ZSH_SCRIPT = String.raw`
zmodload zsh/zpty zsh/zselect
rm -f @/zsh-line
zpty z zsh -f -i
zpty -w z "autoload -U compinit; compinit -u -D; source @/_zsh; bindkey '^I' complete-word; dump() { print -r -- \"=\$BUFFER=\" >@/zsh-line; }; zle -N dump; bindkey '^T' dump; echo REA''DY"
zpty -r z out '*READY*'
zpty -w -n z "$1"$'\t\C-t'
for i in {1..300}; do [[ -s @/zsh-line ]] && break; zselect -t 5; zpty -r -t z more; done
cat @/zsh-line`;

/** What pressing Tab behind a line gives in each shell, in a shell of its own. */
const shells = {
  bash: (line: string) => [
    '--norc',
    '-c',
    `source ${directory}/_bash; COMP_LINE=$1; COMP_POINT=\${#1}; compopt() { echo "compopt $*"; }; _tsbuild; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    line,
  ],
  // The functions of zsh's completion work only while it completes: a terminal of zsh's own makes it do so.
  zsh: (line: string) => [
    '-f',
    '-c',
    // Ctrl-T hands out the line as it is behind the completion.
    ZSH_SCRIPT.replaceAll('@', directory),
    'zsh',
    line,
  ],
  fish: (line: string) => ['-N', '-c', `source ${directory}/_fish; complete -C $argv[1]`, line],
};

async function pressTab(shell: keyof typeof shells, line: string): Promise<string> {
  const { stdout } = await run(shell, shells[shell](line), { cwd: directory, env: environment(), timeout: 18_000 });
  return stdout;
}

describe.skipIf(missing('bash') !== '')(`bash${missing('bash')}`, () => {
  it.each([
    ['tsbuild imp', 'import\n'],
    ['tsbuild history my', 'my-app:2\nmy-app\n'],
    ['tsbuild history my-app:', '2\n'],
    ['tsbuild build --progress=pl', 'plain\n'],
    ['tsbuild build --target ', 'one\ntwo\nstage-2\n'],
    ['tsbuild build -f docker/w', 'compopt -o filenames\ndocker/web\n'],
    ['tsbuild build --file=docker/w', 'compopt -o filenames\ndocker/web\n'],
    ['tsbuild build do', 'compopt -o filenames\ndocker\n'],
  ])('completes %j', async (line, completions) => {
    expect((await pressTab('bash', line)).split('\n').toSorted()).toEqual(completions.split('\n').toSorted());
  });

  it('has a script without faults', async () => {
    expect(await run('bash', ['-n', join(directory, '_bash')])).toEqual({ stdout: '', stderr: '' });
  });
});

describe.skipIf(missing('zsh') !== '')(`zsh${missing('zsh')}`, () => {
  it.each([
    ['tsbuild impo', '=tsbuild import ='],
    ['tsbuild build --targ', '=tsbuild build --target ='],
    ['tsbuild history ghcr', '=tsbuild history ghcr.io/me/web:1 ='],
    ['tsbuild build --target tw', '=tsbuild build --target two ='],
    ['tsbuild build -f docker/w', '=tsbuild build -f docker/web ='],
  ])('completes %j', { timeout: 20_000 }, async (line, completed) => {
    expect(await pressTab('zsh', line)).toBe(`${completed}\n`);
  });
});

describe.skipIf(missing('fish') !== '')(`fish${missing('fish')}`, () => {
  it.each([
    ['tsbuild imp', 'import\tCreate an image from a root filesystem in a tar archive\n'],
    ['tsbuild history ghcr', 'ghcr.io/me/web:1\n'],
    ['tsbuild build --target tw', 'two\n'],
    ['tsbuild build --progress=pl', '--progress=plain\n'],
  ])('completes %j', async (line, completions) => {
    expect(await pressTab('fish', line)).toBe(completions);
  });
});
