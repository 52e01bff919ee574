import { describe, expect, it } from 'vitest';
import { BASE, historyOf, lastRun, planOf, reachable } from './plan-of.ts';

describe('the config', () => {
  it('inherits what containers need, and nothing of containers long gone', async () => {
    const { target } = await planOf('FROM base');
    const { Hostname: _gone, ...inherited } = BASE.config as NonNullable<typeof BASE.config> & { Hostname: string };
    expect(target.config).toEqual(inherited);
    expect(target.author).toBe('somebody');
  });

  it('of scratch is a PATH and the root directory', async () => {
    const { target } = await planOf('FROM scratch\nLABEL a=b');
    expect(target.config).toEqual({
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      WorkingDir: '/',
      Labels: { a: 'b' },
    });
  });

  it('gets a PATH after the variables of a base that has none', async () => {
    const bare = { ...BASE, config: { Env: ['B=1'] } };
    const { target } = await planOf('FROM bare', { images: { bare } });
    expect(target.config.Env).toEqual(['B=1', expect.stringMatching(/^PATH=/)]);
  });

  it('replaces variables in place and keeps the others', async () => {
    const { target } = await planOf('FROM base\nENV A=1 C="x y"\nENV A=$A$C D=${E:-e}');
    expect(target.config.Env).toEqual(['PATH=/bin', 'A=1x y', 'C=x y', 'D=e']);
  });

  it('expands all pairs of one ENV with the values from before it', async () => {
    const { target } = await planOf('FROM base\nENV X=1\nENV X=2 Y=$X');
    expect(target.config.Env).toContain('Y=1');
  });

  it('knows CMD and ENTRYPOINT in both forms', async () => {
    const { target } = await planOf('FROM scratch\nENTRYPOINT ["/a", "b c"]\nCMD echo $HOME');
    expect(target.config).toMatchObject({
      Entrypoint: ['/a', 'b c'],
      Cmd: ['/bin/sh', '-c', 'echo $HOME'],
      ArgsEscaped: true,
    });
    expect(historyOf(target)).toEqual(['      ENTRYPOINT ["/a" "b c"]', '      CMD ["/bin/sh" "-c" "echo $HOME"]']);
  });

  it.each<[string, string, unknown]>([
    ['resets an inherited CMD', 'FROM base\nENTRYPOINT ["/x"]', undefined],
    ['keeps a CMD of the same stage', 'FROM base\nCMD ["y"]\nENTRYPOINT ["/x"]', ['y']],
    ['keeps a later CMD', 'FROM base\nENTRYPOINT ["/x"]\nCMD ["y"]', ['y']],
    ['resets the CMD of a parent stage', 'FROM base AS p\nCMD ["y"]\nFROM p\nENTRYPOINT ["/x"]', undefined],
  ])('ENTRYPOINT %s', async (_what, text, cmd) => {
    expect((await planOf(text)).target.config.Cmd).toEqual(cmd);
  });

  it('uses SHELL for the shell forms after it', async () => {
    const plan = await planOf('FROM base\nSHELL ["/bin/bash", "-ec"]\nRUN make\nCMD serve');
    expect((await lastRun(plan))['argv']).toEqual(['/bin/bash', '-ec', 'make']);
    expect(plan.target.config).toMatchObject({ Shell: ['/bin/bash', '-ec'], Cmd: ['/bin/bash', '-ec', 'serve'] });
  });

  it('collects ports, volumes, labels, user and stop signal', async () => {
    const { target } = await planOf(
      'FROM base\nEXPOSE 443/tcp 53/udp 8000-8001\nVOLUME /data ["x"]\nLABEL a=1 b="2 3"\nUSER 1000:100\nSTOPSIGNAL SIGQUIT',
    );
    expect(target.config).toMatchObject({
      ExposedPorts: { '80/tcp': {}, '443/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} },
      Labels: { from: 'base', a: '1', b: '2 3' },
      User: '1000:100',
      StopSignal: 'SIGQUIT',
    });
  });

  it('has a HEALTHCHECK with nanoseconds', async () => {
    const { target } = await planOf('FROM base\nHEALTHCHECK --interval=1m30s --retries=3 CMD curl -f localhost');
    expect(target.config.Healthcheck).toEqual({
      Test: ['CMD-SHELL', 'curl -f localhost'],
      Interval: 90_000_000_000,
      Retries: 3,
    });
  });
});

describe('WORKDIR', () => {
  it.each<[string, string, string]>([
    ['WORKDIR /tmp/', '/tmp/', '/tmp'],
    ['WORKDIR /a/../b', '/a/../b', '/b'],
    ['WORKDIR sub/', '/srv/sub', '/srv/sub'],
    ['WORKDIR ../x/./y/', '/x/y', '/x/y'],
    ['WORKDIR $NOTHING', '/srv', '/srv'],
    ['WORKDIR /', '/', '/'],
  ])('%s: absolute paths stay in the config as written, commands run in the clean one', async (line, shown, clean) => {
    const plan = await planOf(`FROM base\n${line}\nRUN pwd`);
    expect(plan.target.config.WorkingDir).toBe(shown);
    expect((await lastRun(plan))['workingDirectory']).toBe(clean);
  });
});

describe('the history', () => {
  it('has a row for every instruction, as BuildKit writes it', async () => {
    const { target } = await planOf(`FROM base
ARG V=1 W
ENV K=v
WORKDIR app
COPY --chown=1:2 a b ./
RUN npm install
RUN ["echo", "two words"]
EXPOSE 80
VOLUME ["/data"]
USER node
LABEL x=y
SHELL ["/bin/ash", "-c"]
WORKDIR /
CMD ["node", "server.js"]`);
    expect(historyOf(target)).toEqual([
      '      ARG V=1 W',
      '      ENV K=v',
      'layer WORKDIR /srv/app',
      'layer COPY --chown=1:2 a b ./ # buildkit',
      'layer RUN |2 V=1 W= /bin/sh -c npm install # buildkit',
      'layer RUN |2 V=1 W= echo two words # buildkit',
      '      EXPOSE [80/tcp]',
      '      VOLUME [/data]',
      '      USER node',
      '      LABEL x=y',
      '      SHELL [/bin/ash -c]',
      '      WORKDIR /',
      '      CMD ["node" "server.js"]',
    ]);
  });

  it('shows the defaults of ARG, and the values before RUN', async () => {
    const plan = await planOf('FROM base\nARG A=1 B\nARG TARGETOS\nRUN true', { buildArgs: { A: '9', B: '8' } });
    expect(historyOf(plan.target)).toEqual([
      '      ARG A=1 B',
      '      ARG TARGETOS',
      'layer RUN |3 A=9 B=8 TARGETOS=linux /bin/sh -c true # buildkit',
    ]);
  });

  it('holds the rows of a parent stage, and ONBUILD leaves none', async () => {
    const { target } = await planOf('FROM base AS p\nENV A=1\nONBUILD ENV B=2\nFROM p\nENV C=3');
    expect(historyOf(target)).toEqual(['      ENV A=1', '      ENV B=2', '      ENV C=3']);
    expect(target.config.OnBuild).toBeUndefined();
  });
});

describe('ARG and ENV', () => {
  it.each<[string, string, Record<string, string | undefined>, string[]]>([
    ['default', 'ARG X=1', {}, ['X=1']],
    ['value of the build', 'ARG X=1', { X: '2' }, ['X=2']],
    ['empty value of the build', 'ARG X=1', { X: '' }, ['X=']],
    ['value from the environment', 'ARG X=1', { X: undefined }, ['X=from-env']],
    ['unset', 'ARG X', {}, []],
    ['ENV after ARG', 'ARG X=1\nENV X=2', { X: '3' }, ['X=2']],
    ['ARG after ENV', 'ENV X=1\nARG X=2', {}, ['X=2']],
    ['unset ARG after ENV', 'ENV X=1\nARG X', {}, ['X=1']],
    ['default that uses another', 'ARG Y=a\nARG X=$Y-b', {}, ['Y=a', 'X=a-b']],
    ['several in one line', 'ARG X=1 Y=2', { Y: '3' }, ['X=1', 'Y=3']],
  ])('%s', async (_what, lines, buildArgs, expected) => {
    const plan = await planOf(`FROM base\n${lines}\nRUN env`, { buildArgs, environment: { X: 'from-env' } });
    const environment = (await lastRun(plan))['environment'] as string[];
    expect(environment.filter((pair) => /^[XY]=/.test(pair))).toEqual(expected);
  });

  it('global ones are seen by FROM, and by a stage that asks', async () => {
    const text = 'ARG NAME=base\nARG V=1\nFROM $NAME\nARG V\nRUN env';
    expect((await lastRun(await planOf(text)))['environment']).toEqual(['PATH=/bin', 'A=base', 'V=1']);
    expect((await lastRun(await planOf(text, { buildArgs: { V: '9' } })))['environment']).toContain('V=9');
    expect((await lastRun(await planOf('ARG V=1\nFROM base\nRUN env')))['environment']).not.toContain('V=1');
  });

  it('leak into no sibling stage, but into stages built on theirs', async () => {
    const sibling = await planOf('FROM base AS a\nARG X=1\nFROM base\nCOPY --from=a /x /x\nRUN env');
    expect((await lastRun(sibling))['environment']).not.toContain('X=1');
    const child = await planOf('FROM base AS a\nARG X=1\nFROM a\nRUN env');
    expect((await lastRun(child))['environment']).toContain('X=1');
  });

  it('platform arguments are there for those who ask', async () => {
    const plan = await planOf('FROM base\nARG TARGETARCH\nARG BUILDPLATFORM\nRUN env');
    expect((await lastRun(plan))['environment']).toEqual(
      expect.arrayContaining(['TARGETARCH=amd64', 'BUILDPLATFORM=linux/amd64']),
    );
  });

  it('proxies stay out of key and history', async () => {
    const plan = await planOf('FROM base\nRUN env', { buildArgs: { HTTP_PROXY: 'http://user:pw@proxy' } });
    expect(JSON.stringify([await lastRun(plan), historyOf(plan.target)])).not.toContain('proxy');
    expect(plan.unconsumed).toEqual([]);
  });

  it('settings of a daemon are taken without a word', async () => {
    const buildArgs = { BUILDKIT_INLINE_CACHE: '1', BUILDKIT_MULTI_PLATFORM: '1', BUILDKIT_BUILD_NAME: 'x' };
    const plan = await planOf('FROM base\nRUN env', { buildArgs });
    expect(plan.unconsumed).toEqual([]);
    expect(JSON.stringify(await lastRun(plan))).not.toContain('BUILDKIT');
  });

  it('tells which arguments nobody asked for', async () => {
    const plan = await planOf('FROM base\nARG USED', { buildArgs: { USED: '1', TYPO: '2' } });
    expect(plan.unconsumed).toEqual(['TYPO']);
  });
});

describe('stages', () => {
  const text = `FROM base AS a
RUN a
FROM base AS b
RUN b
FROM scratch AS c
COPY --from=b / /
FROM a AS d
COPY --from=c / /`;

  it('only what the target needs is planned', async () => {
    expect((await planOf(text)).stages.map(({ label }) => label)).toEqual(['a', 'b', 'c', 'd']);
    expect((await planOf(text, { target: 'c' })).stages.map(({ label }) => label)).toEqual(['b', 'c']);
    // BuildKit: a target is named, not counted.
    await expect(planOf(text, { target: '0' })).rejects.toMatchObject({ code: 'STAGE_NOT_FOUND' });
  });

  it('a base that no needed stage uses is never resolved', async () => {
    await expect(planOf('FROM nowhere AS x\nFROM base', {})).resolves.toBeDefined();
    await expect(planOf('FROM nowhere', {})).rejects.toMatchObject({
      code: 'BASE_NOT_FOUND',
      range: { start: { line: 1 } },
    });
  });

  it('the graph follows FROM and --from', async () => {
    expect(reachable((await planOf(text)).target.rootfs)).toEqual(['a/1', 'b/1', 'c/1', 'd/1']);
  });

  it('names are case-insensitive, numbers count from 0, later names shadow earlier ones', async () => {
    const ids = async (lines: string): Promise<string[]> => reachable((await planOf(lines)).target.rootfs);
    expect(await ids('FROM base AS Build\nRUN x\nFROM scratch\nCOPY --from=BUILD / /')).toContain('build/1');
    expect(await ids('FROM base\nRUN x\nFROM scratch\nCOPY --from=0 / /')).toContain('stage-0/1');
    const shadowed = await planOf('FROM base AS x\nENV V=1\nFROM base AS x\nENV V=2\nFROM x');
    expect(shadowed.target.config.Env).toContain('V=2');
  });

  it('ONBUILD of a base may copy from stages and images: they are needed then', async () => {
    const trigger = { ...BASE, config: { OnBuild: ['COPY --from=tools /t /t', 'COPY --from=other /o /o'] } };
    const images = { base: BASE, other: BASE, trigger };
    const plan = await planOf('FROM base AS tools\nRUN x\nFROM base AS unused\nFROM trigger\nRUN y', { images });
    expect(plan.stages.map(({ label }) => label)).toEqual(['tools', 'stage-2']);
    expect(reachable(plan.target.rootfs)).toEqual(['tools/1', 'stage-2/1', 'stage-2/2', 'stage-2/3']);
    expect(plan.target.config.OnBuild).toBeUndefined();
    const inFile = 'FROM base AS tools\nRUN x\nFROM base AS p\nONBUILD COPY --from=tools /t /t\nFROM p';
    expect((await planOf(inFile)).stages.map(({ label }) => label)).toEqual(['tools', 'p', 'stage-2']);
    await expect(planOf('FROM trigger', { images: { trigger, other: BASE } })).rejects.toMatchObject({
      code: 'BASE_NOT_FOUND',
      message: 'no tools',
    });
  });

  it('unknown names mean images', async () => {
    const plan = await planOf('FROM scratch\nCOPY --from=base /a /');
    expect(plan.target.rootfs).toMatchObject({
      inputs: [{}, { kind: 'constant', value: { layers: BASE.rootfs.diff_ids.map((digest) => ({ digest })) } }],
    });
  });
});

describe('refusals name the line', () => {
  it.each<[string, string, number, RegExp]>([
    ['a later stage', 'FROM base AS a\nCOPY --from=b / /\nFROM base AS b', 2, /this stage or a later one/],
    ['a stage number that is not there', 'FROM base\nCOPY --from=3 / /', 2, /no earlier stage/],
    ['a blank base', 'ARG X\nFROM $X', 2, /should not be blank/],
    ['a blank ENV name', 'FROM base\nENV $NOTHING=1', 2, /can not be blank/],
    ['a bad network', 'FROM base\nRUN --network=bridge true', 2, /invalid network mode/],
    ['a URL', 'FROM base\nCOPY https://example.com/x /', 2, /can't be a URL/],
    ['a bad signal', 'FROM base\nSTOPSIGNAL SIGNOPE', 2, /invalid signal/],
    ['a required variable', 'FROM base\nENV A="${NOPE:?must be given}"', 2, /must be given/],
  ])('%s', async (_what, text, line, message) => {
    const target = /AS b/.test(text) ? { target: 'a' } : {};
    await expect(planOf(text, target)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      range: { start: { line } },
    });
  });

  it('an unknown target, with the stages there are', async () => {
    await expect(planOf('FROM base AS one\nFROM base', { target: 'two' })).rejects.toMatchObject({
      code: 'STAGE_NOT_FOUND',
      hint: expect.stringContaining('one, stage-1'),
    });
  });
});
