import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lab, without } from './support/lab.ts';
import { leftoversAfterDeath } from './support/leftovers.ts';
import { PYTHON, run } from './support/process.ts';
import { compiledCode, contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';
import { Watching } from './support/watching.ts';

const DOCKERFILE = `FROM busybox AS made
COPY files /files
RUN echo made >/files/made
FROM busybox
COPY --from=made /files /app
CMD ["true"]
`;
const EPOCH = { SOURCE_DATE_EPOCH: '1700000000' };

const expectWhole = async (builder: Tsbuild): Promise<void> => {
  const { exitCode, stdout } = await builder.run(['fsck', '--format', 'json']);
  expect({ exitCode, ...(JSON.parse(stdout) as object) }).toMatchObject({ exitCode: 0, clean: true, findings: [] });
};

describe('many processes on one store', () => {
  it.skipIf(without('strace'))(
    '16 builds at once, nothing cached: one image, and every blob is put into the store once (needs strace)',
    { timeout: 300_000 },
    async () => {
      const builder = await tsbuild();
      const logs = await scratch();
      const before = new Set(readdirSync(join(builder.store, 'blobs/sha256')));
      const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/a': 'a', 'files/b': 'b'.repeat(100_000) });
      const builds = Array.from({ length: 16 }, (_, i) => {
        const trace = [
          // A file for each thread: in one, calls at the same time are cut in two lines.
          '-ff',
          '--seccomp-bpf',
          '-qq',
          '-e',
          'trace=link,linkat,rename,renameat,renameat2',
          '-e',
          'signal=none',
        ];
        const words = [process.execPath, lab.cli, 'build', '-q', '-t', `app:${i}`, context];
        const env = { TSBUILD_ROOT: builder.store, ...EPOCH, ...compiledCode() };
        return run('strace', [...trace, '-o', `${logs}/${i}`, ...words], { env, timeout: 250_000 });
      });
      const ended = await Promise.all(builds);
      expect(ended.map(({ stderr }) => stderr).join('')).toBe('');
      expect(new Set(ended.map(({ stdout }) => stdout.trim())).size).toBe(1);
      const placed = readdirSync(logs).flatMap((name) => [
        ...readFileSync(join(logs, name), 'utf8').matchAll(/\/blobs\/sha256\/([0-9a-f]{64})"(?:, \w+)?\)\s+= 0/g),
      ]);
      const made = readdirSync(join(builder.store, 'blobs/sha256')).filter((name) => !before.has(name));
      expect(placed.map(([, hex]) => hex).toSorted()).toEqual(made.toSorted());
      expect(readdirSync(join(builder.store, 'tmp'))).toEqual([]);
      await expectWhole(builder);
    },
  );

  it('a step that several builds want at once is executed once, and they give one image', {
    timeout: 300_000,
  }, async () => {
    const builder = await tsbuild();
    const command = 'RUN sleep 2; echo made >/made';
    const context = await contextOf({ Dockerfile: `FROM busybox\n${command}\nCOPY --from=busybox /etc/passwd /x\n` });
    const built = await Promise.all([1, 2, 3, 4].map((i) => builder.build(context, ['-t', `shared:${i}`])));
    const ends = built.map(({ steps }) => steps.get(command)).toSorted();
    expect(ends).toEqual(['CACHED', 'CACHED', 'CACHED', 'DONE']);
    const waited = built.filter(({ stderr }) =>
      /stage-0\/1 waits for process \d+, which is running the same step\n/.test(stderr),
    );
    expect(waited).toHaveLength(3);
    expect(new Set(await Promise.all([1, 2, 3, 4].map((i) => builder.id(`shared:${i}`)))).size).toBe(1);
    expect(readdirSync(join(builder.store, 'leases'))).toEqual([]);
  });

  it('who waits for a RUN of a build that is killed runs it himself, and may be interrupted', {
    timeout: 300_000,
  }, async () => {
    const builder = await tsbuild();
    const context = await contextOf({ Dockerfile: 'FROM busybox\nRUN sleep 3; echo made >/made\n' });
    const start = (): Watching => new Watching(builder.start(['build', '--progress', 'plain', context]));
    await using first = start();
    await first.says(/#1 \[/);
    await using second = start();
    await using third = start();
    await Promise.all([second.says(/waits for process \d+/), third.says(/waits for process \d+/)]);
    expect(await third.stop('SIGINT')).toBe(130);
    await first.stop('SIGKILL');
    expect(await second.says(/#1 (?:DONE|CACHED)/)).toContain('#1 DONE');
    await second.says(/Built /);
    // Of the killed one there is nothing but its lease.
    const checked = JSON.parse((await builder.run(['fsck', '--format', 'json'])).stdout) as {
      readonly clean: boolean;
      readonly findings: readonly { readonly kind: string; readonly path: string }[];
    };
    expect(checked.clean).toBe(true);
    expect(checked.findings.filter(({ kind, path }) => kind !== 'lease' || path.includes('step-'))).toEqual([]);
  });

  it('collections during builds: no build fails, every image is whole', { timeout: 300_000 }, async () => {
    const builder = await tsbuild();
    const built = new AbortController();
    const collecting = (async () => {
      const failures: string[] = [];
      let rounds = 0;
      for (; !built.signal.aborted; rounds++) {
        for (const args of [
          ['cache', 'prune', '-f', '-a'],
          ['rmi', '-f', 'no-such-image'],
        ]) {
          const { exitCode, stderr } = await builder.run(args);
          if (exitCode !== 0) failures.push(stderr);
        }
      }
      return { failures, rounds };
    })();
    const failures: string[] = [];
    const build = async (worker: number): Promise<void> => {
      for (let round = 0; round < 4; round++) {
        const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/a': `${round}`, 'files/b': `${worker}` });
        const ended = await builder.run(['build', '-q', '-t', `app:${worker}-${round}`, context], { env: EPOCH });
        if (ended.exitCode !== 0) failures.push(ended.stderr);
      }
    };
    await Promise.all([0, 1, 2].map(build));
    built.abort();
    const { rounds, ...collected } = await collecting;
    expect(failures).toEqual([]);
    expect(collected.failures).toEqual([]);
    expect(rounds).toBeGreaterThan(1);
    expect((await builder.output(['images', '-q', '--no-trunc', 'app'])).trim().split('\n')).toHaveLength(12);
    await expectWhole(builder);
  });
});

/*
 * Runs a command on a terminal, types Ctrl-C after so many milliseconds after its first
 * word, and tells how it ended, what it wrote, whether the terminal is as it was, and how long it took to go.
 */
const TYPIST = `
import json, os, pty, select, sys, termios, time
delay, argv = float(sys.argv[1]) / 1000, sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
before, out, typed, start = termios.tcgetattr(fd), b"", None, None
while True:
    if start is None and out:
        start = time.time()
    if typed is None and start is not None and time.time() - start >= delay:
        os.write(fd, b"\\x03"); typed = time.time()
    ready, _, _ = select.select([fd], [], [], 0.01)
    if ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data: break
        out += data
after = termios.tcgetattr(fd)
_, status = os.waitpid(pid, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "out": out.decode("latin1"), "same": before == after,
  "seconds": time.time() - (typed or time.time()), "typed": typed is not None}))
`;

interface Typed {
  readonly code: number;
  readonly out: string;
  readonly same: boolean;
  readonly seconds: number;
}

describe.skipIf(without('python3'))('Ctrl-C on a terminal (needs python3)', () => {
  it('at 20 moments: exit code 130, nothing runs on, the terminal is as before, the store whole', {
    timeout: 300_000,
  }, async () => {
    const builder = await tsbuild();
    const nap = String(710_000_000 + process.pid);
    const context = await contextOf({
      Dockerfile: `FROM busybox\nCOPY files /files\nRUN trap '' INT TERM; (sleep ${nap} &); sleep ${nap}\n`,
      'files/a': 'a',
    });
    const script = join(await scratch(), 'typist.py');
    writeFileSync(script, TYPIST);
    // From the first word that the build says to well into the RUN.
    const moments = Array.from({ length: 20 }, (_, i) => i * 60);
    const slowest: number[] = [];
    for (const moment of moments) {
      const words = [script, String(moment), process.execPath, lab.cli, 'build', '--no-cache', context];
      const ended = await run(PYTHON, words, {
        env: { TSBUILD_ROOT: builder.store, TERM: 'xterm', ...compiledCode() },
      });
      const { code, out, same, seconds } = JSON.parse(ended.stdout) as Typed;
      slowest.push(seconds);
      expect({ moment, code, same }).toEqual({ moment, code: 130, same: true });
      // The cursor that progress hides is shown again, and colours end.
      expect(out.lastIndexOf('\x1b[?25l')).toBeLessThanOrEqual(out.lastIndexOf('\x1b[?25h'));
      expect(await leftoversAfterDeath(nap, builder.store)).toEqual([]);
    }
    process.stderr.write(`gone ${Math.max(...slowest).toFixed(2)} s after Ctrl-C at the latest\n`);
    await expectWhole(builder);
    expect(readdirSync(join(builder.store, 'mounts'))).toEqual([]);
  });
});
