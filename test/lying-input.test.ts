import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { type LayerIndex, Layout } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { lab, without, withoutRoot } from './support/lab.ts';
import { run } from './support/process.ts';
import { whileOpen } from './support/strace.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const MIB = 1024 * 1024;
const DOCKERFILE = 'FROM scratch\nCOPY files /files\n';

/** The index of the only layer of an image. */
async function layerOf(builder: Tsbuild, image: string): Promise<LayerIndex> {
  const layout = await Layout.open(builder.store);
  const { layers } = await layout.resolve(image);
  return layout.indexes.get(layers.at(-1)?.digest ?? 'sha256:none');
}

const expectWholeStore = async (builder: Tsbuild): Promise<void> =>
  expect(await builder.run(['fsck'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('The store is whole'),
  });

describe.skipIf(without('strace'))('a file that changes while the build has it open (needs strace)', () => {
  const changes: Readonly<Record<string, (path: string) => void>> = {
    grows: (path) => appendFileSync(path, 'more'),
    shrinks: (path) => truncateSync(path, 10),
    'is overwritten': (path) => {
      const fd = openSync(path, 'r+');
      writeSync(fd, Buffer.alloc(100, 'y'), 0, 100, 3 * MIB);
      closeSync(fd);
    },
    'is replaced': (path) => {
      writeFileSync(`${path}.new`, Buffer.alloc(4 * MIB, 'z'));
      renameSync(`${path}.new`, path);
    },
    vanishes: (path) => rmSync(path),
  };
  const moments = ['openat', 'read'] as const;

  it.each(Object.entries(changes).flatMap(([what, change]) => moments.map((call) => ({ what, change, call }))))(
    'that $what after its first $call does not fail the build: the layer has it as it was, or as it is now',
    async ({ change, call }) => {
      const builder = await tsbuild({ bases: false });
      const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/big': Buffer.alloc(4 * MIB, 'x') });
      const file = join(context, 'files/big');
      const { exitCode } = await whileOpen(builder, ['build', '-t', 'app', context], file, call, () => change(file));
      expect(exitCode).toBe(0);
      const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
      const now = existsSync(file) ? sha256(readFileSync(file)) : undefined;
      const before = sha256(Buffer.alloc(4 * MIB, 'x'));
      expect([before, now]).toContain((await layerOf(builder, 'app')).get('files/big')?.contentSha256);
      expect(readdirSync(join(builder.store, 'tmp'))).toEqual([]);
      await expectWholeStore(builder);
    },
  );

  it.skipIf(withoutRoot)('that a mount of RUN shows: the command has it whole (as root)', async () => {
    const builder = await tsbuild();
    const RUN = 'RUN --mount=type=bind,target=/m wc -c </m/files/big >/size && tr -d z </m/files/big >/rest';
    const context = await contextOf({ Dockerfile: `FROM busybox\n${RUN}\n`, 'files/big': Buffer.alloc(4 * MIB, 'x') });
    const file = join(context, 'files/big');
    const replace = changes['is replaced'];
    const { exitCode } = await whileOpen(builder, ['build', '-t', 'app', context], file, 'read', () => replace?.(file));
    expect(exitCode).toBe(0);
    expect((await layerOf(builder, 'app')).get('rest')?.size).toBe(0);
  });

  it('another one vanishes: it is not copied', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/a': 'a', 'files/b': 'b' });
    const words = ['build', '-t', 'app', context];
    const ended = await whileOpen(builder, words, join(context, 'files/a'), 'openat', () =>
      rmSync(join(context, 'files/b')),
    );
    expect(ended).toMatchObject({ exitCode: 0 });
    expect([...(await layerOf(builder, 'app')).entries()].map(({ path }) => path)).toEqual(['files', 'files/a']);
  });

  it('a log that its own output goes to, and one that another program rotates: the build does not fail', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/a': 'a' });
    const script = `cd "$1/files"; (while sleep .01; do echo line >>app.log; echo x >r.new; mv r.new r.log; echo y >t.log; touch a; done) & writer=$!
      shift; "$@" >build.log 2>&1; code=$?; kill $writer; exit $code`;
    const words = [context, process.execPath, lab.cli, 'build', '-t', 'app', '--no-cache', '--progress=plain', context];
    for (let i = 0; i < 3; i++) {
      const ended = await run('bash', ['-c', script, 'bash', ...words], { env: { TSBUILD_ROOT: builder.store } });
      expect(ended, readFileSync(join(context, 'files/build.log'), 'utf8')).toMatchObject({ exitCode: 0 });
    }
    await expectWholeStore(builder);
  });

  it('its name is full of escape codes: none reaches the terminal', async () => {
    const builder = await tsbuild({ bases: false });
    const name = '.wh.x\x1b]0;title\x07\x1b[2J\ny\u202e';
    const context = await contextOf({ Dockerfile: DOCKERFILE, [`files/${name}`]: 'a' });
    const { exitCode, stderr, stdout } = await builder.run(['build', context]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/names that begin with \.wh\./);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(stderr + stdout).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
  });
});

describe('files that programs stumble over', () => {
  it('names with newlines, escape codes, bytes that are not UTF-8, and of 255 bytes: kept as they are', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/': '' });
    const names = [
      'new\nline',
      '\x1b[31mred\x07',
      'caf\xe9 \xff\xfe',
      'back\\slash',
      ' ',
      '-rf',
      '\xc3\xa9'.repeat(127) + 'x',
    ];
    for (const name of names) writeFileSync(Buffer.from(`${context}/files/${name}`, 'latin1'), name);
    await builder.build(context, ['-t', 'app']);
    const index = await layerOf(builder, 'app');
    expect([...index.entries()].map(({ path }) => path)).toEqual(
      ['files', ...names.map((name) => `files/${name}`)].toSorted(),
    );
    await expectWholeStore(builder);
  });

  it('a tree deeper than a path can be long, which no engine could unpack: refused, and nothing is stored', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/': '' });
    const name = 'd'.repeat(200);
    const script = `cd "$1/files"; for i in $(seq 40); do mkdir ${name}; cd ${name}; done; echo deep >end`;
    execFileSync('bash', ['-c', script, 'bash', context]);
    try {
      const { exitCode, stderr } = await builder.run(['build', context]);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/'files\/d+…': a path of more than 4095 bytes/);
      expect(Math.max(...stderr.split('\n').map((line) => line.length))).toBeLessThan(400);
      expect(readdirSync(join(builder.store, 'blobs/sha256'))).toEqual([]);
      await expectWholeStore(builder);
      writeFileSync(join(context, '.dockerignore'), `files/${name}/${name}\n`);
      await builder.build(context, ['-t', 'app']);
      expect((await layerOf(builder, 'app')).length).toBe(2);
    } finally {
      execFileSync('rm', ['-rf', join(context, 'files')]);
    }
  });

  it('100,000 entries in one folder', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/': '' });
    for (let i = 0; i < 100_000; i++) writeFileSync(`${context}/files/${i}`, '');
    await builder.build(context, ['-t', 'app']);
    expect((await layerOf(builder, 'app')).length).toBe(100_001);
    expect((await builder.build(context)).steps.get('COPY files /files')).toBe('CACHED');
  });

  it('sockets are left out, fifos are kept and not waited for', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/plain': 'text' });
    execFileSync('mkfifo', [join(context, 'files/fifo')]);
    const listener = spawn(
      process.execPath,
      [
        '-e',
        'require("net").createServer().listen(process.argv[1], () => console.log("up"))',
        join(context, 'files/socket'),
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    try {
      await once(listener.stdout, 'data');
      await builder.build(context, ['-t', 'app']);
    } finally {
      listener.kill();
    }
    const entries = [...(await layerOf(builder, 'app')).entries()].map(({ path, type }) => `${type} ${path}`);
    expect(entries).toEqual(['directory files', 'fifo files/fifo', 'file files/plain']);
  });

  it('a sparse file is stored with all its bytes', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/': '' });
    const fd = openSync(join(context, 'files/sparse'), 'w');
    ftruncateSync(fd, 64 * MIB);
    writeSync(fd, 'end', 64 * MIB - 3);
    closeSync(fd);
    await builder.build(context, ['-t', 'app']);
    const entry = (await layerOf(builder, 'app')).get('files/sparse');
    const content = Buffer.alloc(64 * MIB);
    content.write('end', 64 * MIB - 3);
    expect(entry).toMatchObject({ size: 64 * MIB, contentSha256: createHash('sha256').update(content).digest('hex') });
  });

  it.skipIf(withoutRoot)(
    'unreadable for an ordinary user (needs root, to become one): named, with advice',
    async () => {
      const user = await testUser();
      const builder = await tsbuild({ user, bases: false });
      const file = await contextOf({ Dockerfile: DOCKERFILE, 'files/secret': 'x' });
      chmodSync(join(file, 'files/secret'), 0);
      const folder = await contextOf({ Dockerfile: DOCKERFILE, 'files/locked/x': 'x' });
      chmodSync(join(folder, 'files/locked'), 0);
      for (const [context, name] of [
        [file, 'files/secret'],
        [folder, 'files/locked'],
      ] as const) {
        const { exitCode, stderr } = await builder.run(['build', context]);
        expect(exitCode).toBe(1);
        expect(stderr).toContain(`no permission to read ${name} in the build context`);
        expect(stderr).toContain('.dockerignore');
      }
      writeFileSync(join(file, '.dockerignore'), 'files/secret\n');
      expect((await builder.run(['build', file])).exitCode).toBe(0);
    },
  );

  it.skipIf(withoutRoot)('a context on a read-only file system (needs root, to mount one)', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/a': 'a' });
    await builder.build(context, ['-t', 'plain']);
    const other = await tsbuild({ bases: false });
    const script =
      'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; ! touch "$1/x" 2>/dev/null; shift; exec "$@"';
    const words = [context, process.execPath, lab.cli, 'build', '-t', 'app', context];
    const ended = await run('unshare', ['--mount', 'sh', '-ec', script, 'sh', ...words], {
      env: { TSBUILD_ROOT: other.store },
    });
    expect(ended).toMatchObject({ exitCode: 0 });
    expect([...(await layerOf(other, 'app')).entries()]).toEqual([...(await layerOf(builder, 'plain')).entries()]);
  });
});

describe('clocks that lie', () => {
  it('files from the future and from before 1970: their times are kept, the second build is cached', async () => {
    const builder = await tsbuild({ bases: false });
    const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/future': 'f', 'files/past': 'p' });
    utimesSync(join(context, 'files/future'), 4_102_444_800, 4_102_444_800);
    execFileSync('touch', ['-d', '1950-01-01 00:00:00 UTC', join(context, 'files/past')]);
    mkdirSync(join(context, 'files/sub'));
    await builder.build(context, ['-t', 'app']);
    const index = await layerOf(builder, 'app');
    expect(index.get('files/future')?.mtime.seconds).toBe(4_102_444_800);
    expect(index.get('files/past')?.mtime.seconds).toBe(-631_152_000);
    expect((await builder.build(context)).steps.get('COPY files /files')).toBe('CACHED');
    await expectWholeStore(builder);
  });

  it.skipIf(without('faketime'))(
    'the machine thinks it is 1971, or 2100 (needs faketime): a change is seen, nothing is lost',
    async () => {
      const builder = await tsbuild({ bases: false });
      const context = await contextOf({ Dockerfile: DOCKERFILE, 'files/a': 'one' });
      const build = async (when: string, tag: string): Promise<string> => {
        const words = ['-f', when, process.execPath, lab.cli, 'build', '-q', '-t', tag, context];
        const ended = await run('faketime', words, { env: { TSBUILD_ROOT: builder.store } });
        expect(ended).toMatchObject({ exitCode: 0 });
        return ended.stdout.trim();
      };
      const now = (await builder.output(['build', '-q', '-t', 'now', context])).trim();
      expect(await build('@1971-01-01 00:00:00', 'past')).toBe(now);
      expect(await build('@2100-01-01 00:00:00', 'future')).toBe(now);
      writeFileSync(join(context, 'files/a'), 'two');
      const changed = await build('@1971-01-01 00:00:00', 'past');
      expect(changed).not.toBe(now);
      expect(await build('@2100-01-01 00:00:00', 'future')).toBe(changed);
      // A prune that lives in the past takes nobody's files for abandoned.
      const prune = ['-f', '@1971-01-01 00:00:00', process.execPath, lab.cli, 'cache', 'prune', '-f'];
      expect(await run('faketime', prune, { env: { TSBUILD_ROOT: builder.store } })).toMatchObject({ exitCode: 0 });
      expect((await builder.output(['build', '-q', context])).trim()).toBe(changed);
      await expectWholeStore(builder);
    },
  );
});
