import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../src/host/version.ts';
import { bundleCommand } from './bundled-command.ts';

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsbuild-process-test-'));
  program = await bundleCommand(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function start(...argv: string[]): ChildProcess {
  return startWith({}, ...argv);
}

function startWith(variables: NodeJS.ProcessEnv, ...argv: string[]): ChildProcess {
  const own = { TSBUILD_ROOT: join(folder, 'store'), XDG_CACHE_HOME: join(folder, 'caches') };
  const env = { ...process.env, ...own, ...variables };
  return spawn(process.execPath, [program, ...argv], { cwd: folder, env, stdio: 'pipe' });
}

async function outcome(child: ChildProcess) {
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout: stdout(), stderr: stderr() };
}

function textOf(stream: ChildProcess['stdout']): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

describe('the process', () => {
  it('answers --version', async () => {
    expect(await outcome(start('--version'))).toMatchObject({ code: 0, stdout: `tsbuild ${version}\n`, stderr: '' });
  });

  it('imports nothing at run time, of which Node would warn in code that was compiled before', async () => {
    expect(await readFile(join(folder, 'program.js'), 'latin1')).not.toMatch(/\bimport\(["'`]/);
  });

  it("takes no option of Node's from its own command line", async () => {
    await writeFile(join(folder, 'app.env'), 'NODE_OPTIONS=--require /no/such/module.js\n');
    for (const words of [
      ['run', '--env-file', 'app.env', 'no-such-image', 'true'],
      ['run', 'no-such-image', 'node', '--env-file=missing.env', 'server.js'],
    ]) {
      const env = { ...process.env, TSBUILD_ROOT: join(folder, 'store'), XDG_CACHE_HOME: join(folder, 'caches') };
      const { code, stderr } = await outcome(spawn(program, words, { cwd: folder, env, stdio: 'pipe' }));
      expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining('no-such-image') });
    }
  });

  it('ends with the exit code of the command', async () => {
    expect(await outcome(start('images'))).toMatchObject({ code: 0 });
    expect(await outcome(start('history', 'nope'))).toMatchObject({ code: 1 });
    expect(await outcome(start('nope'))).toMatchObject({ code: 2 });
  });

  it('is quiet when the reader of its output goes away', async () => {
    const child = start('build', '--help');
    child.stdout?.destroy();
    expect(await outcome(child)).toMatchObject({ code: 141, stderr: '' });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends orderly on %s', async (signal, code) => {
    // Waits for the archive that never comes.
    const child = start('load');
    const ended = outcome(child);
    await ready(child, 'load');
    child.kill(signal);
    expect(await ended).toEqual({ code, signal: null, stdout: '', stderr: 'interrupted\n' });
  });
});

/** The handlers are there as soon as the process has read the first bytes of its input. */
async function ready(child: ChildProcess, what: string): Promise<void> {
  const enough = Buffer.alloc(1 << 20, what);
  if (child.stdin?.write(enough) === false) await once(child.stdin, 'drain');
}

it('loads modules without import(), of which Node would warn', async () => {
  expect(await readFile(join(folder, 'program.js'), 'latin1')).not.toMatch(/(?<!async |\.)\bimport\(/);
});

describe('the pool of threads', () => {
  /** Node on a machine of so many cores, which tells at its end how many threads its pool had. */
  const threads = async (cores: number, ...argv: string[]): Promise<number> => {
    const preload = join(folder, `cores-${cores}.cjs`);
    await writeFile(
      preload,
      `require('node:os').availableParallelism = () => ${cores};
      const { readdirSync, stat, writeFileSync } = require('node:fs');
      const threads = () => readdirSync('/proc/self/task').length;
      const before = threads();
      process.on('exit', () => {
        stat('/', () => {}); // starts the pool, if nothing else has
        writeFileSync('${preload}.threads', String(threads() - before));
      });`,
    );
    await outcome(startWith({ NODE_OPTIONS: `--require ${preload}` }, ...argv));
    return Number(await readFile(`${preload}.threads`, 'utf8'));
  };

  it('is as large as the machine for what compresses layers, and of four threads otherwise', async () => {
    expect(await threads(16, 'push', 'no-such-image')).toBe(16);
    expect(await threads(16, 'build', '-o', 'type=registry,name=x.invalid/y', 'nowhere')).toBe(16);
    expect(await threads(16, 'images')).toBe(4);
    expect(await threads(2, 'push', 'no-such-image')).toBe(4);
  });
});

describe('the code that an earlier run compiled', () => {
  const kept = async (): Promise<string> => {
    const directory = join(folder, 'caches/tsbuild/code');
    const [name, ...others] = (await readdir(directory)).filter((file) => file.endsWith('-other'));
    expect(others).toEqual([]);
    return join(directory, name ?? '');
  };

  it('is kept, for this user alone, added to by the next two runs, and used again', async () => {
    const times: number[] = [];
    await rm(join(folder, 'caches'), { recursive: true, force: true });
    for (let run = 0; run < 4; run++) {
      expect(await outcome(start('images'))).toMatchObject({ code: 0, stderr: '' });
      const { mode, mtimeMs } = await stat(await kept());
      expect(mode & 0o777).toBe(0o600);
      times.push(mtimeMs);
    }
    expect(new Set(times).size).toBe(3);
    expect(times[3]).toBe(times[2]);
  });

  it.each([
    ['damaged', (path: string) => writeFile(path, Buffer.alloc(200_000, 7), { mode: 0o600 })],
    ['cut off', (path: string) => truncate(path, 1000)],
    ['empty', (path: string) => truncate(path, 0)],
  ])('is made again when it is %s', async (_, spoil) => {
    await outcome(start('images'));
    const path = await kept();
    await spoil(path);
    const spoilt = await readFile(path);
    expect(await outcome(start('images'))).toMatchObject({ code: 0, stderr: '' });
    expect((await readFile(path)).equals(spoilt)).toBe(false);
  });
});

describe('in a working directory that was removed', () => {
  const from = (...argv: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
    const env = { ...process.env, TSBUILD_ROOT: join(folder, 'store'), XDG_CACHE_HOME: join(folder, 'caches') };
    const child = spawn('sh', ['-c', script, 'sh', process.execPath, program, ...argv], { cwd: folder, env });
    return outcome(child);
  };

  it('works what needs none', async () => {
    expect(await from('images')).toMatchObject({ code: 0, stderr: '' });
    expect(await from('ps', '-a')).toMatchObject({ code: 0, stderr: '' });
  });

  it('the rest says so', async () => {
    const said =
      'ERROR: the working directory no longer exists: it was removed or moved\nhint: change to another directory: cd\n';
    expect(await from('build', '.')).toMatchObject({ code: 1, stdout: '', stderr: said });
    expect(await from('--root', 'store', 'images')).toMatchObject({ code: 1, stdout: '', stderr: said });
  });
});
