import { describe, expect, it } from 'vitest';
import { BASE as CONFIG, historyOf, lastRun, planOf, reachable } from './plan-of.ts';

const BASE = 'FROM base\n';
const run = async (text: string) => {
  const plan = await planOf(`${BASE}${text}`);
  return {
    definition: await lastRun(plan),
    history: historyOf(plan.target).at(-1),
    name: plan.target.steps.at(-1)?.name,
  };
};

describe('RUN with heredocs', () => {
  it('alone hands the body to the shell, unexpanded', async () => {
    const { definition, history, name } = await run('ARG V=1\nRUN <<EOF\necho $V\n  two\nEOF\n');
    expect(definition['argv']).toEqual(['/bin/sh', '-c', 'echo $V\n  two\n']);
    expect(history).toBe('layer RUN |1 V=1 /bin/sh -c echo $V\n  two\n # buildkit');
    expect(name).toBe('RUN <<EOF (echo $V...)');
  });

  it('strips tabs under <<-', async () => {
    expect((await run('RUN <<-EOF\n\techo a\n\t\tb\n\tEOF\n')).definition['argv']).toEqual([
      '/bin/sh',
      '-c',
      'echo a\nb\n',
    ]);
  });

  it('that begins with #! is a program of its own, and part of the key', async () => {
    const { definition, history } = await run('RUN <<PY\n#!/usr/bin/env python3\nprint(1)\nPY\n');
    expect(definition['argv']).toEqual(['/bin/sh', '-c', '/dev/pipes/PY']);
    expect(definition['mounts']).toEqual([
      { kind: 'script', target: '/dev/pipes/PY', content: '#!/usr/bin/env python3\nprint(1)\n' },
    ]);
    expect(history).toBe('layer RUN /bin/sh -c /dev/pipes/PY # buildkit');
    await expect(run('RUN <<"../x"\n#!/bin/sh\n../x\n')).rejects.toThrow('a script cannot be named ../x');
  });

  it.each<[string, string, string]>([
    ['a command', 'RUN cat <<EOF >/x\nhello\nEOF\n', 'cat <<EOF >/x\nhello\nEOF'],
    ['a command behind', 'RUN <<EOF cat >/x\nhello\nEOF\n', '<<EOF cat >/x\nhello\nEOF'],
    ['several', 'RUN cat <<A <<B\n1\nA\n2\nB\n', 'cat <<A <<B\n1\nA\n2\nB'],
    ['tabs to strip', 'RUN cat <<-A\n\t1\n\tA\n', 'cat <<-A\n\t1\nA'],
    ['flags', 'RUN --network=none cat <<A\n1\nA\n', 'cat <<A\n1\nA'],
  ])('with %s is the shell’s own', async (_what, text, command) => {
    const { definition, history } = await run(text);
    expect(definition['argv']).toEqual(['/bin/sh', '-c', command]);
    expect(history).toBe(`layer RUN /bin/sh -c ${command} # buildkit`);
  });

  it('uses SHELL', async () => {
    expect((await run('SHELL ["/bin/bash", "-e"]\nRUN <<EOF\nx\nEOF\n')).definition['argv']).toEqual([
      '/bin/bash',
      '-e',
      'x\n',
    ]);
  });
});

describe('RUN --mount in the plan', () => {
  const mounts = async (flags: string, before = ''): Promise<unknown> =>
    (await run(`${before}RUN ${flags} x`)).definition['mounts'];

  it('knows targets, defaults and variables', async () => {
    expect(await mounts('--mount=type=tmpfs,target=rel,size=1k --mount=type=cache,target=/a/../b/')).toEqual([
      { kind: 'tmpfs', target: '/srv/rel', size: 1024 },
      { kind: 'cache', target: '/b', readOnly: false },
    ]);
    expect(await mounts('--mount=type=cache,target=$D/x', 'ENV D=/env\n')).toEqual([
      { kind: 'cache', target: '/env/x', readOnly: false },
    ]);
    const access = { required: false, mode: 0o400, uid: 0, gid: 0 };
    expect(
      await mounts(
        '--mount=type=secret,id=a/b --mount=type=secret,id=c,env=C --mount=type=secret,target=/t/d,required,mode=0444',
      ),
    ).toEqual([
      { kind: 'secret', id: 'a/b', target: '/run/secrets/b', env: null, ...access },
      { kind: 'secret', id: 'c', target: null, env: 'C', ...access },
      { kind: 'secret', id: 'd', target: '/t/d', env: null, ...access, required: true, mode: 0o444 },
    ]);
    expect(await mounts('--mount=type=ssh --mount=type=ssh,id=x')).toEqual([
      { kind: 'ssh', id: 'default', target: '/run/buildkit/ssh_agent.0', ...access, mode: 0o600 },
      { kind: 'ssh', id: 'x', target: '/run/buildkit/ssh_agent.1', ...access, mode: 0o600 },
    ]);
  });

  it('without a target is mounted on the working directory', async () => {
    expect(await mounts('--mount=type=tmpfs')).toEqual([{ kind: 'tmpfs', target: '/srv', size: null }]);
    expect(await mounts('--mount=type=cache,id=x', 'WORKDIR sub\n')).toMatchObject([{ target: '/srv/sub' }]);
    await expect(run('WORKDIR /\nRUN --mount=type=cache x')).rejects.toThrow('invalid mount target "/"');
  });

  it('leaves keys of commands without mounts alone', async () => {
    expect(await mounts('')).toBeUndefined();
  });

  it.each([
    ['--mount=target=/', 'invalid mount target "/"'],
    ['--mount=typ=x', "unexpected key 'typ' in 'typ=x' (did you mean type?)"],
  ])('refuses %s, with its line', async (flag, message) => {
    await expect(run(`RUN ${flag} x`)).rejects.toMatchObject({ message, range: { start: { line: 2 } } });
  });

  it('needs the stages that it mounts, and finds them by number too', async () => {
    const text =
      'FROM base AS a\nRUN a\nFROM base AS unused\nRUN u\nFROM base AS c\nRUN c\nFROM base\nRUN --mount=from=a,target=/a --mount=type=cache,from=2,target=/c x';
    const plan = await planOf(text);
    expect(reachable(plan.target.rootfs)).toEqual(['a/1', 'c/1', 'stage-3/1']);
    expect(plan.stages.map(({ label }) => label)).toEqual(['a', 'c', 'stage-3']);
    await expect(planOf('FROM base AS a\nRUN --mount=from=a,target=/x y')).rejects.toThrow(
      'RUN --mount from=a names this stage or a later one',
    );
    await expect(planOf(`${BASE}RUN --mount=from=$A,target=/x y`)).rejects.toThrow(
      "'from' doesn't support variable expansion, define alias stage instead",
    );
    await expect(planOf(`${BASE}RUN --mount=from=nowhere,target=/x y`)).rejects.toMatchObject({
      code: 'BASE_NOT_FOUND',
    });
  });
});

describe('RUN --security', () => {
  it('is refused unless it is allowed', async () => {
    const text = `${BASE}RUN --security=insecure x`;
    await expect(planOf(text)).rejects.toThrow('security.insecure is not allowed');
    await expect(planOf(text, { allowed: ['security.insecure'] })).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    // What is only checked needs no leave.
    await expect(planOf(text, { allowed: 'all' })).resolves.toBeDefined();
    await expect(planOf(`${BASE}RUN --security=sandbox x`)).resolves.toBeDefined();
    await expect(planOf(`${BASE}RUN --security=other x`)).rejects.toThrow('invalid security mode "other"');
  });
});

describe('FROM --platform', () => {
  it.each(['linux/amd64', '$BUILDPLATFORM', '${TARGETPLATFORM}', 'amd64', 'linux/x86_64'])(
    '%s is this machine',
    async (text) => {
      const { target } = await planOf(`FROM --platform=${text} base`);
      expect(target.platform).toEqual({ os: 'linux', architecture: 'amd64' });
    },
  );

  it('gives each stage its own, which stages on it have too; COPY --from takes images for the build', async () => {
    const asked: string[] = [];
    const text = [
      'FROM --platform=linux/arm64 base AS arm',
      'RUN a',
      'FROM --platform=$BUILDPLATFORM arm AS still-arm',
      'RUN b',
      'FROM base',
      'COPY --from=still-arm x x',
      'COPY --from=other x x',
    ].join('\n');
    const { stages } = await planOf(text, { images: { base: CONFIG, other: CONFIG }, asked });
    expect(stages.map(({ label, platform }) => `${label} ${platform.architecture}`)).toEqual([
      'arm arm64',
      'still-arm arm64',
      'stage-2 amd64',
    ]);
    expect(asked.toSorted()).toEqual(['base linux/amd64', 'base linux/arm64', 'other linux/amd64']);
  });

  it.each([
    ['windows/amd64', 'FROM --platform=windows/amd64: only images for linux can be built'],
    ['darwin/arm64', 'FROM --platform=darwin/arm64: only images for linux can be built'],
    ['$NONE', 'empty platform value from expression $NONE'],
    ['a/b/c/d', expect.stringMatching(/^failed to parse platform a\/b\/c\/d: /)],
  ])('%s is refused', async (text, message) => {
    await expect(planOf(`FROM --platform=${text} base`)).rejects.toMatchObject({
      message,
      range: { start: { line: 1 } },
    });
  });
});

describe('--no-cache-filter', () => {
  it('ignores the cache for the named stages alone', async () => {
    const plan = await planOf('FROM base AS One\nRUN a\nFROM one\nRUN b', { noCacheFilter: ['ONE'] });
    const ignored = plan.stages.map(({ rootfs }) => rootfs.kind === 'step' && rootfs.ignoreCache);
    expect(ignored).toEqual([true, false]);
  });
});

describe('RUN --network=host', () => {
  const text = 'FROM base\nRUN --network=host true\n';

  it('is nothing new where commands have the host network, and refused in a build without network', async () => {
    expect(await lastRun(await planOf(text))).toMatchObject({ network: 'host' });
    await expect(planOf(text, { network: 'none' })).rejects.toThrow('network.host is not allowed');
    expect(await lastRun(await planOf(text, { network: 'none', allowed: ['network.host'] }))).toMatchObject({
      network: 'host',
    });
  });
});
