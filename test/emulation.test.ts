import { createHash } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ForeignArchitecture, foreignArchitecture } from '../packages/builder/src/emulation/architectures.ts';
import { magicOf, probeProgram } from '../packages/builder/src/emulation/probe-program.ts';
import { ordinaryUser } from '../packages/builder/testing/ordinary-user.ts';
import { type Foreign, foreign, foreignObstacle } from './support/foreign.ts';
import { type Ended, run } from './support/process.ts';
import type { TestUser } from './support/test-user.ts';
import { contextOf, tsbuild, type Tsbuild } from './support/tsbuild.ts';
import { Watching } from './support/watching.ts';

/** What a command is, and what it does against the mechanism that runs it. */
const CHECK = `
echo machine=$(uname -m)
echo children=$(echo a | (cat; uname -m) | wc -l)
echo dynamic=$(/bin/dash -c 'echo $0 $((6 * 7))' own-name)
echo ids=$(wc -l </proc/self/uid_map) capabilities=$(grep -c 'CapEff:.*00000000a80425fb\\|CapEff:.*00000000a80405fb' /proc/self/status)
echo cached=$(cat /cache/x 2>/dev/null; echo kept >/cache/x; cat /cache/x) secret=$(cat /run/secrets/s)
echo binfmt mounts=$(grep -c binfmt /proc/self/mountinfo) entries=$(ls /proc/sys/fs/binfmt_misc 2>/dev/null | wc -l)
try() { if "$@" >/dev/null 2>&1; then echo "could: $*"; else echo "refused: $*"; fi; }
try mount -t binfmt_misc none /tmp
try unshare -U true
try sh -c 'echo x >>/proc/1/exe'
try sh -c 'echo 9 >/proc/sys/user/max_user_namespaces'
try mknod /tmp/disk b 8 0
chmod 0640 /dev/full; chown 1:1 /dev/full; chmod 0640 /proc/1/exe
ls -l /proc/1/exe | grep -o ' /[^ ]*$'
exit 0
`;

const REFUSED = [
  'mount -t binfmt_misc none /tmp',
  'unshare -U true',
  'sh -c echo x >>/proc/1/exe',
  'sh -c echo 9 >/proc/sys/user/max_user_namespaces',
  'mknod /tmp/disk b 8 0',
];

const DOCKERFILE = `FROM scratch AS root
COPY arm64 /
COPY --chmod=4755 arm64/bin/dash /bin/dash
COPY check.sh /
RUN --mount=type=cache,target=/cache --mount=type=secret,id=s sh /check.sh
FROM root
USER nobody
RUN ["/bin/dash", "-p", "-c", "test -O /etc/passwd && echo set-user-ID works"]
`;

const obstacle = foreignObstacle();
const arm64 = (): ForeignArchitecture => {
  const known = foreignArchitecture('arm64');
  if (known === undefined) throw new Error('arm64 is known');
  return known;
};
const ARM64 = ['--platform', 'linux/arm64'];
const BOTH = ['--platform', 'linux/amd64,linux/arm64'];

describe.skipIf(obstacle !== undefined)(`RUN for another platform (${obstacle ?? 'emulated'})`, () => {
  let files: Foreign;
  let context: string;
  const machine = (): unknown => [
    ['/dev/full', '/dev/null'].map((path) => statSync(path)).map(({ mode, uid, gid }) => [mode, uid, gid]),
    createHash('sha256')
      .update(readFileSync(join(files.qemu, 'qemu-aarch64-static')))
      .digest('hex'),
    statSync(join(files.qemu, 'qemu-aarch64-static')).mode,
  ];
  beforeAll(async () => {
    files = await foreign();
    context = await contextWith('arm64', { Dockerfile: DOCKERFILE, 'check.sh': CHECK, secret: 'hidden' });
  });
  const contextWith = async (system: string, texts: Readonly<Record<string, string>>): Promise<string> => {
    const folder = await contextOf(texts);
    await cp(join(files.systems, system), join(folder, system), { recursive: true, verbatimSymlinks: true });
    return folder;
  };
  /** A store with one image `system` for amd64 and arm64. */
  const withSystem = async (user?: TestUser): Promise<Tsbuild> => {
    const builder = await tsbuild(user === undefined ? {} : { user });
    const folder = await contextWith('arm64', { Dockerfile: 'FROM scratch\nCOPY arm64 /\n' });
    await builder.output(['build', '-q', ...ARM64, '-t', 'system:arm64', folder]);
    await builder.output(['image', 'index', 'system', 'busybox', 'system:arm64']);
    return builder;
  };
  const build = (builder: Tsbuild, from: string, args: readonly string[], env: object = files.env): Promise<Ended> =>
    builder.run(['build', '--progress', 'plain', ...args, from], { env: { ...env } });

  // If the sandbox does not hold, the machine must not stay damaged.
  afterEach(() => {
    chmodSync('/dev/full', 0o666);
    chownSync('/dev/full', 0, 0);
  });

  it.each([
    ['root, runc', [], undefined],
    ['root, util-linux', ['--isolation', 'namespaces'], undefined],
    ['user, subordinate ids', [], 'subordinate'],
    ['user, single id', ['--target', 'root'], 'single'],
  ] as const)(
    '%s: shells, dynamic and set-user-ID programs run, and the emulator is out of reach',
    async (_, args, ids) => {
      const builder = await tsbuild({ bases: false, ...(ids === undefined ? {} : { user: ordinaryUser(ids) }) });
      const before = machine();
      const { exitCode, stderr } = await build(builder, context, [
      ...ARM64, ...args, '--secret', `id=s,src=${context}/secret`, '-t', 'a',
    ]); // biome-ignore format: one list
      const said = stderr.replaceAll(/^#\d+ [\d.]+ /gm, '');
      expect(exitCode, said).toBe(0);
      expect(said).toContain('RUN for linux/arm64 runs emulated by qemu-aarch64 7.2');
      for (const line of [
      'machine=aarch64', 'children=2', 'dynamic=own-name 42', `ids=${ids === 'subordinate' ? 2 : 1} capabilities=1`,
      'cached=kept secret=hidden', 'binfmt mounts=0 entries=0', ...REFUSED.map((what) => `refused: ${what}`), ' /sys/qemu-aarch64',
    ]) expect(said).toContain(`\n${line}\n`); // biome-ignore format: one list
      expect(said.includes('\nset-user-ID works\n')).toBe(ids !== 'single');
      expect(machine()).toEqual(before);
    },
  );

  it('stops before anything runs where nothing emulates it, but not where all is cached', async () => {
    const builder = await tsbuild({ bases: false });
    const one = await contextWith('arm64', {
      Dockerfile: 'FROM scratch\nCOPY arm64 /\nCOPY text /\nRUN uname -m >/machine\n',
      text: '1',
    });
    const refused = await build(builder, one, ARM64, {});
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).not.toMatch(/^#\d/m);
    expect(refused.stderr).toContain('>>> RUN uname -m >/machine');
    expect(refused.stderr).toContain('RUN for linux/arm64 does not work on this machine');
    for (const way of [
      'qemu-user-static',
      'docker run --privileged --rm tonistiigi/binfmt',
      'FROM --platform=$BUILDPLATFORM',
    ])
      expect(refused.stderr).toContain(way);
    expect((await build(builder, one, ARM64)).exitCode).toBe(0);
    const cached = await build(builder, one, ARM64, {});
    expect([cached.exitCode, cached.stderr]).toEqual([0, expect.stringContaining('every step cached')]);
    expect(cached.stderr).not.toContain('emulated');
    writeFileSync(join(one, 'text'), '2');
    expect(await build(builder, one, ARM64, {})).toMatchObject({
      exitCode: 1,
      stderr: expect.not.stringMatching(/^#\d/m),
    });
  });

  it('runs a stage of this machine again whose result may be the same, and nothing where there never was one', async () => {
    const builder = await tsbuild();
    const cross = await contextWith('arm64', {
      Dockerfile:
        'FROM --platform=$BUILDPLATFORM busybox AS build\nRUN echo made >/made\nFROM scratch\nCOPY arm64 /\nCOPY --from=build /made /\nRUN test -s /made\n',
    });
    expect(await build(builder, cross, ARM64, {})).toMatchObject({
      exitCode: 1,
      stderr: expect.not.stringMatching(/^#\d/m),
    });
    expect((await build(builder, cross, ARM64)).exitCode).toBe(0);
    // The file has the same bytes, and another time: the copy of it is the same.
    const again = await build(builder, cross, [...ARM64, '--no-cache-filter', 'build'], { SOURCE_DATE_EPOCH: '' });
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringMatching(/RUN test -s \/made\n#\d+ CACHED/)]);
  });

  it('says of a stage that gave the same for each platform what its emulation took', async () => {
    const builder = await withSystem();
    const of = async (lines: readonly string[], args = BOTH): Promise<string> => {
      const folder = await contextOf({ Dockerfile: lines.join('\n') });
      const { exitCode, stderr } = await build(builder, folder, [...args, '--no-cache']);
      expect(exitCode, stderr).toBe(0);
      return stderr
        .split('\n')
        .filter((line) => line.includes('what is copied'))
        .join();
    };
    const web = ['FROM system AS build', 'RUN sleep 1; echo built >/dist', 'FROM scratch', 'COPY --from=build /dist /'];
    expect(await of(web)).toMatch(
      /the stage build is the same for linux\/amd64 and linux\/arm64, and emulated commands in it took [1-9]\S* s: FROM --platform=\$BUILDPLATFORM system AS build would/,
    );
    expect(await of([...web, 'COPY --from=build /bin/busybox /'])).toBe('');
    expect(await of(web, ARM64)).toBe('');
  });

  it('builds several platforms as an ordinary user, and with --watch again when something changes', async () => {
    const builder = await withSystem(ordinaryUser('subordinate'));
    const shared =
      'FROM --platform=$BUILDPLATFORM system AS here\nRUN uname -m >/machine\nFROM system\nCOPY --from=here /machine /\n';
    const folder = await contextOf({ Dockerfile: shared, text: 'one' });
    const args = ['build', '--progress', 'plain', '--watch', ...BOTH, '-t', 'watched', folder];
    await using watching = new Watching(builder.start(args, files.env));
    expect(await watching.says(/Watching .*\n/)).not.toMatch(/emulated|waits for/);
    // The first command of another platform comes when commands of this one have run.
    writeFileSync(join(folder, 'Dockerfile'), `${shared}COPY text /\nRUN cat /text; uname -m >/own; cat /own\n`);
    const finished = /(?:Built|Failed) \d+ ms after the change\.\n/;
    const second = await watching.says(finished);
    expect(second).toMatch(/^\nDockerfile changed\n[^]* onex86_64\n[^]*\nBuilt \d+ ms/);
    expect(second).toMatch(/RUN for linux\/arm64 runs emulated by qemu-aarch64 7\.2[^]* oneaarch64\n/);
    writeFileSync(join(folder, 'text'), 'two');
    const third = await watching.says(finished);
    expect(third).toMatch(/^\ntext changed\n[^]*\[here 1\/1\] RUN uname -m >\/machine\n#1 CACHED/);
    expect(third.match(/ran again: text changed/g)).toHaveLength(1);
    expect(third).toContain(') for linux/amd64, linux/arm64 in ');
    expect(third).not.toContain('waits for');
    expect(await watching.stop('SIGINT')).toBe(130);
  });

  it('explains a crash of what is emulated', async () => {
    // A word of zeros is no instruction (udf).
    const crash = probeProgram({ ...arm64(), exit: [0] });
    const crashing = await contextOf({ Dockerfile: 'FROM scratch\nCOPY --chmod=755 crash /\nRUN ["/crash"]\n', crash });
    const { exitCode, stderr } = await build(await tsbuild({ bases: false }), crashing, ARM64);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('exit code: 132')]);
    expect(stderr).toMatch(
      /hint: This ran emulated by qemu-aarch64 7\.2\S*, and a program in it crashed \(Illegal instruction\)/,
    );
  });

  // A user namespace stands for the machine: what is registered there goes with it.
  it.each([
    ['a copy, where commands could change it', undefined, 'CFP', '/sys/qemu-aarch64'],
    ['it, where they cannot', 'single', 'CFP', 'the file'],
    ['a copy, where it is not found inside an image', 'single', 'P', '/sys/qemu-aarch64'],
  ] as const)('of an emulator that the machine has registered it takes %s', async (_, ids, flags, where) => {
    const { magic, mask } = magicOf(arm64());
    const [from, to] = [magic, mask].map((bytes) => Buffer.from(bytes).toString('hex').replaceAll(/../g, '\\x$&'));
    const program = join(files.qemu, 'qemu-aarch64-static');
    const rule = `:arm:M::${from}:${to}:${program}:${flags}`;
    const before = machine();
    const builder = await tsbuild({ bases: false, ...(ids === undefined ? {} : { user: ordinaryUser(ids) }) });
    const small = await contextWith('arm64', {
      Dockerfile: 'FROM scratch\nCOPY arm64 /\nRUN ls -l /proc/1/exe; chmod 0640 /proc/1/exe; uname -m >/machine\n',
    });
    const { words, env } = builder.commandLine(['build', '--progress', 'plain', ...ARM64, small]);
    const script =
      'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc; printf %s "$0" >/proc/sys/fs/binfmt_misc/register; exec "$@"';
    const own = words.slice(0, words.indexOf('--') + 1);
    const [first = '', ...rest] = [
      ...own, 'unshare', '--user', '--map-root-user', '--mount', '--', 'sh', '-euc', script, rule, ...words.slice(own.length),
    ]; // biome-ignore format: one program
    const { exitCode, stderr } = await run(first, rest, { env });
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringContaining('RUN for linux/arm64 runs emulated by qemu-aarch64 7.2'),
    ]);
    expect(stderr).toContain(` -> ${where === 'the file' ? program : where}\n`);
    expect(machine()).toEqual(before);
  });

  it('runs other architectures too, and doctor says which', async () => {
    const builder = await tsbuild({ bases: false });
    for (const [platform, name, machineName] of [
      ['linux/arm/v7', 'armhf', 'armv7l'],
      ['linux/386', 'i386', 'i686'],
    ] as const) {
      const other = await contextWith(name, { Dockerfile: `FROM scratch\nCOPY ${name} /\nRUN uname -m\n` });
      expect((await build(builder, other, ['--platform', platform])).stderr).toMatch(
        platform === 'linux/386' ? /i686|x86_64/ : new RegExp(machineName),
      );
    }
    const { stdout } = await builder.run(['doctor'], { env: files.all });
    const found = stdout
      .split('\n')
      .filter((line) => / {2}runs, emulated by qemu-\S+ 7\.2\S* \(registered for each build alone\)$/.test(line));
    const names = '386 arm64 arm/v7 arm/v6 riscv64 ppc64le s390x mips64le mips64 loong64'.split(' ');
    // Some kernels run programs of the 386 themselves.
    const emulated = found.map((line) => line.split(/ +/)[1]?.slice('linux/'.length)).filter((name) => name !== '386');
    expect(emulated).toEqual(names.filter((name) => name !== '386'));
    expect(stdout).toMatch(/^works {4}linux\/386 /m);
  });
});
