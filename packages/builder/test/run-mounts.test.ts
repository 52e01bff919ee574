import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildBench } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';

describe.skipIf(NO_SANDBOX !== '')(`RUN, whole builds${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  beforeAll(async () => {
    bench = await BuildBench.make();
  });
  afterAll(() => bench[Symbol.asyncDispose]());
  const FROM = 'FROM busybox\n';
  const run = (line: string, options: Parameters<BuildBench['build']>[1] = {}) =>
    bench.build(`${FROM}${line}\n`, options);

  describe('with heredocs', () => {
    it('runs the body in the shell, as a file of its own, or as part of a command', async () => {
      expect((await run('RUN <<EOF\na=1\necho $a >/x\nEOF')).layer).toEqual(['x=1\n']);
      const script = await run('RUN <<EOF\n#!/bin/busybox sh\necho "$0 $(stat -c %a:%u:%g $0)" >/x\nEOF');
      expect(script.layer).toEqual(['x=/dev/pipes/EOF 755:0:0\n']);
      expect((await run('RUN cat <<A <<B >/x\n1\nA\n2\nB')).layer).toEqual(['x=2\n']);
      expect((await run('RUN <<EOF sh\necho \\$0 >/x\nEOF')).layer).toEqual(['x=sh\n']);
    });

    it('runs again when only the body of a script has changed', async () => {
      const text = (word: string): string => `RUN <<EOF\n#!/bin/sh\necho ${word} >/x\nEOF`;
      expect((await run(text('one'))).layer).toEqual(['x=one\n']);
      expect((await run(text('two'))).layer).toEqual(['x=two\n']);
      expect((await run(text('two'))).steps.cached).toBe(1);
    });
  });

  describe('--mount=type=bind', () => {
    it('shows the context without what is ignored, owned by root, and keeps nothing of it', async () => {
      const context = bench.files('context-1', {
        '.dockerignore': 'secret\n',
        secret: 's',
        'src/a': 'A',
        'src/b/c': 'C',
      });
      const { output, layer } = await run(
        'RUN --mount=target=/ctx ls /ctx /ctx/src; cat /ctx/src/b/c; stat -c %u /ctx/src/a; touch /ctx/x 2>/dev/null || echo read-only',
        { context },
      );
      expect(output).toMatch(/^\/ctx:\nsrc\n\n\/ctx\/src:\na\nb\nC0\nread-only\n$/);
      expect(layer).toEqual([]);
    });

    it('shows a directory or a file of the context, relative to WORKDIR, and runs again when that has changed', async () => {
      const context = bench.files('context-2', { 'src/a': 'A', other: 'O' });
      const text = `${FROM}WORKDIR /w\nRUN --mount=source=src,target=s --mount=src=/src/a,dst=f cat /w/s/a f >/out\n`;
      expect((await bench.build(text, { context })).layer).toEqual(['out=AA']);
      writeFileSync(join(context, 'other'), 'changed');
      utimesSync(join(context, 'src/a'), 1, 1);
      expect((await bench.build(text, { context })).steps).toMatchObject({ total: 2, cached: 2 });
      writeFileSync(join(context, 'src/a'), 'B');
      expect((await bench.build(text, { context })).layer).toEqual(['out=BB']);
    });

    it('lets writes be seen by the command alone', async () => {
      const context = bench.files('context-3', { a: 'A', gone: 'G' });
      const { layer, output } = await run(
        'RUN --mount=target=/ctx,rw cd /ctx; echo new >new; echo more >>a; rm gone; ls; cat a',
        { context },
      );
      expect(output).toBe('a\nnew\nAmore\n');
      expect(layer).toEqual([]);
      expect(readdirSync(context).toSorted()).toEqual(['a', 'gone']);
      expect(readFileSync(join(context, 'a'), 'utf8')).toBe('A');
    });

    it('shows files of stages and images, keyed by what is shown', async () => {
      const text = (other: string, shown: string): string =>
        `FROM busybox AS a\nRUN mkdir -p /out/d; echo ${shown} >/out/d/f; echo ${other} >/other\n` +
        `FROM busybox\nRUN --mount=from=a,source=/out,target=/m --mount=from=busybox,source=etc/group,target=/g cat /m/d/f /g >/x; echo w 2>/dev/null >/m/w || true\n`;
      const first = await bench.build(text('1', 'one'));
      expect(first.layer).toEqual(['x=one\nroot:x:0:\napp:x:1000:\nextra:x:1001:app\n']);
      // The stage runs again, and makes the same of what is mounted.
      expect((await bench.build(text('2', 'one'))).steps).toMatchObject({ total: 2, cached: 1 });
      expect((await bench.build(text('2', 'two'))).layer[0]).toMatch(/^x=two\n/);
    });

    it('never leaves the source by its symlinks', async () => {
      const canary = bench.files('canary', { canary: 'the host' });
      const context = bench.files('context-4', { a: 'A' });
      symlinkSync(canary, join(context, 'out'));
      symlinkSync('../../../../../../etc', join(context, 'up'));
      symlinkSync('/', join(context, 'root'));
      for (const source of ['out', 'up', 'out/canary', '../../../etc']) {
        await expect(run(`RUN --mount=source=${source},target=/m cat /m`, { context })).rejects.toMatchObject({
          code: 'SOURCE_NOT_FOUND',
          message: expect.stringMatching(/^"\/[a-z/]+": not found$/),
          range: { start: { line: 2 } },
        });
      }
      expect((await run('RUN --mount=source=root,target=/m ls /m; cat /m/a', { context })).output).toBe(
        'a\nout\nroot\nup\nA',
      );
      // CVE-2024-1753: the stage's `/rootdir` is `/`, of the stage.
      const stage = 'FROM busybox AS a\nRUN ln -s / /rootdir; ln -s /etc /link; echo stage >/etc/canary\n';
      const text = `${stage}${FROM}RUN --mount=from=a,source=/rootdir,target=/m,rw --mount=from=a,source=/link,target=/l cat /m/etc/canary /l/canary; ls /m\n`;
      const { output } = await bench.build(text);
      expect(output).toMatch(/^stage\nstage\nbin\n/);
      expect(output).not.toContain('canary\n');
    });

    it('says what it cannot find', async () => {
      await expect(run('RUN --mount=from=busybox,source=/nope,target=/m true')).rejects.toMatchObject({
        message: '"/nope": not found',
        hint: expect.stringContaining('source='),
      });
    });

    it('leaves no mount point behind, and the times of its parents as they were', async () => {
      const text = `${FROM}RUN mkdir -p /p/q && touch -d "2001-01-01 00:00" /p/q /p\nRUN --mount=type=tmpfs,target=/p/q/r/s --mount=type=tmpfs,target=/p/t stat -c %Y /p >/dev/null\n`;
      expect((await bench.build(text)).layer).toEqual([]);
      const kept = `${FROM}RUN --mount=type=tmpfs,target=/p/q true; echo x >/p/f\n`;
      expect((await bench.build(kept)).layer).toEqual(['p/', 'p/f=x\n']);
    });

    it('never removes through a symlink that the command put in the place of a mount point (CVE-2024-23652)', async () => {
      const { layer } = await run(`RUN --mount=type=tmpfs,target=/a/b/c true; mv /a /moved 2>/dev/null; ln -s /etc /z`);
      expect(layer).toContain('z -> /etc');
    });

    it('mounts in one another', async () => {
      const context = bench.files('context-5', { 'package.json': '{}' });
      const { output } = await run(
        'RUN --mount=target=/app --mount=type=cache,target=/app/node_modules/.cache --mount=type=secret,id=s,target=/app/.npmrc ' +
          'cat /app/.npmrc; ls -A /app; touch /app/node_modules/.cache/x && echo written',
        { context, secrets: secret('s', 'TOKEN'), environment: { TOKEN: 'token\n' } },
      );
      expect(output).toBe('token\n.npmrc\nnode_modules\npackage.json\nwritten\n');
      expect(readdirSync(context)).toEqual(['package.json']);
    });
  });

  it('--mount=type=tmpfs is empty, has a size, and is gone afterwards', async () => {
    const { output, layer } = await run(
      'RUN --mount=type=tmpfs,target=/etc,size=1m ls -A /etc | wc -l; echo x >/etc/new; grep " /etc " /proc/mounts',
    );
    expect(output).toMatch(/^0\n[\s\S]*size=1024k/);
    expect(layer).toEqual([]);
    for (const target of ['/proc', '/sys/x']) {
      await expect(run(`RUN --mount=type=tmpfs,target=${target} true`)).rejects.toThrow(
        `invalid mount target "${target}"`,
      );
    }
  });

  describe('--mount=type=secret', () => {
    const NEEDLE = 'needle-8f3a-in-no-haystack';
    const given = { secrets: secret('key', 'KEY'), environment: { KEY: NEEDLE } };

    it('is a file of mode 0400, or what is asked for, or a variable', async () => {
      const { output, layer } = await run(
        'RUN --mount=type=secret,id=key --mount=type=secret,id=key,target=/k,mode=0444,uid=5,gid=6 --mount=type=secret,id=key,env=V ' +
          'stat -c %a:%u:%g /run/secrets/key /k; wc -c </k; test "$V" = "$(cat /k)" && echo same; echo x 2>/dev/null >/k || echo read-only',
        given,
      );
      expect(output).toBe(`400:0:0\n444:5:6\n${NEEDLE.length}\nsame\nread-only\n`);
      expect(layer).toEqual([]);
    });

    it('is nowhere in the store, the image or the events, and changes no key', async () => {
      const text =
        'RUN --mount=type=secret,id=key --mount=type=secret,id=key,env=V md5sum </run/secrets/key; echo done >/x';
      const { events } = await run(text, given);
      expect(events).not.toContain(NEEDLE);
      const grep = (): string =>
        execFileSync('sh', ['-c', 'grep -rlF "$0" "$1" || true', NEEDLE, bench.directory], { encoding: 'utf8' });
      expect(grep()).toBe('');
      const other = { secrets: secret('key', 'KEY'), environment: { KEY: 'another' } };
      expect((await run(text, other)).steps.cached).toBe(1);
      await expect(run(`${text}; false`, given)).rejects.toSatisfy(
        (error: unknown) => !JSON.stringify(error).includes(NEEDLE),
      );
      expect(grep()).toBe('');
    });

    it('that is not given is not there, or an error where it is required', async () => {
      expect((await run('RUN --mount=type=secret,id=no ls /run/secrets 2>&1 | head -1')).layer).toEqual([]);
      await expect(run('RUN --mount=type=secret,id=no,required true')).rejects.toMatchObject({
        code: 'OPTION_INVALID',
        message: 'secret no: not found',
        range: { start: { line: 2 } },
      });
    });
  });

  it('--mount=type=ssh gives the agent, and says where it is', async () => {
    const socket = join(bench.directory, 'agent');
    const server = createServer((client) => client.end('agent\n')).listen(socket);
    await new Promise((done) => server.once('listening', done));
    try {
      const agents = new Map([['default', socket]]);
      const line = 'RUN --mount=type=ssh --mount=type=ssh,id=other stat -c %F:%a "$SSH_AUTH_SOCK"; echo $SSH_AUTH_SOCK';
      const { output, layer } = await run(line, { agents });
      expect(output).toBe('socket:600\n/run/buildkit/ssh_agent.0\n');
      expect(layer).toEqual([]);
      await expect(run('RUN --mount=type=ssh,id=x,required true', { agents })).rejects.toThrow(
        'unset ssh forward key x',
      );
    } finally {
      server.close();
    }
  });

  describe('--mount=type=cache', () => {
    it('keeps what is written between builds, whatever the cache of steps says, and out of the image', async () => {
      const line = 'RUN --mount=type=cache,target=/c cat /c/log 2>/dev/null; echo more >>/c/log';
      expect(await run(line, { noCache: true })).toMatchObject({ output: '', layer: [] });
      expect((await run(line, { noCache: true })).output).toBe('more\n');
      expect((await run(line, { noCache: true })).output).toBe('more\nmore\n');
      const buildArgs = new Map([['BUILDKIT_CACHE_MOUNT_NS', 'mine']]);
      expect((await run(line, { noCache: true, buildArgs })).output).toBe('');
      expect((await run(line.replace('target=/c', 'target=/c,id=other'), { noCache: true })).output).toBe('');
    });

    it('begins as it is told', async () => {
      const stage =
        'FROM busybox AS seed\nRUN mkdir -p /s/d; echo hello >/s/d/f; ln -s d/f /s/l; chown 7:8 /s/d/f; chmod 640 /s/d/f\n';
      const line = `${stage}${FROM}RUN --mount=type=cache,from=seed,source=/s,target=/c cat /c/l; stat -c %a:%u:%g /c/d/f; echo changed >/c/d/f\n`;
      expect((await bench.build(line)).output).toContain('hello\n640:7:8\n');
      expect((await bench.build(line, { noCache: true })).output).toContain('changed\n640:7:8\n');
      const owned = 'RUN --mount=type=cache,target=/o,mode=1770,uid=1000,gid=1001 stat -c %a:%u:%g /o';
      expect((await run(owned)).output).toBe('1770:1000:1001\n');
      await expect(run('RUN --mount=type=cache,target=/o,source=/x true')).rejects.toThrow(
        'a cache mount without from=',
      );
      // BuildKit's testCacheMountSourceEscape: three stages that lead a cache's source out.
      const hostile = `FROM busybox AS a\nRUN mkdir /x && ln -s ${bench.directory} /x/esc\n${FROM}RUN --mount=type=cache,from=a,source=/x/esc/store,target=/m ls /m\n`;
      await expect(bench.build(hostile)).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    });

    it('has one user at a time where it is locked', async () => {
      const line = (n: number): string =>
        `RUN --mount=type=cache,target=/c,sharing=locked echo in ${n} >>/c/log; sleep 0.3; echo out ${n} >>/c/log`;
      await Promise.all([1, 2, 3].map((n) => run(line(n))));
      const { output } = await run('RUN --mount=type=cache,target=/c cat /c/log | tail -6', { noCache: true });
      const lines = output.trim().split('\n');
      expect(lines.map((text) => text.split(' ')[0])).toEqual(['in', 'out', 'in', 'out', 'in', 'out']);
      for (const at of [0, 2, 4]) expect(lines[at + 1]).toBe(lines[at]?.replace('in', 'out'));
    });

    it('can be mounted twice in one command', async () => {
      const line =
        'RUN --mount=type=cache,id=t,sharing=locked,target=/a --mount=type=cache,id=t,sharing=locked,target=/b touch /a/x; ls /b';
      expect((await run(line)).output).toBe('x\n');
    });

    it('leads no later mount out by a symlink that it holds', async () => {
      const outside = join(bench.directory, 'outside');
      mkdirSync(outside);
      await run(`RUN --mount=type=cache,id=evil,target=/c ln -s ${outside} /c/sub; ln -s ${outside}/f /c/file`);
      const options = { secrets: secret('s', 'S'), environment: { S: 'x' } };
      for (const inner of [
        'type=tmpfs,target=/c/sub/x',
        'type=tmpfs,target=/c/sub',
        'type=secret,id=s,target=/c/file',
      ]) {
        await expect(run(`RUN --mount=type=cache,id=evil,target=/c --mount=${inner} true`, options)).rejects.toThrow(
          /symlink|no directory/,
        );
      }
      expect(readdirSync(outside)).toEqual([]);
      expect(lstatSync(outside).isDirectory()).toBe(true);
    });
  });

  it('has the host name that BUILDKIT_SANDBOX_HOSTNAME says, and knows its address', async () => {
    const text = 'RUN hostname; grep -o "localhost [a-z.-]*$" /etc/hosts';
    expect((await run(text)).output).toBe('buildkitsandbox\nlocalhost buildkitsandbox\n');
    const named = { buildArgs: new Map([['BUILDKIT_SANDBOX_HOSTNAME', 'builder.example']]) };
    expect((await run(text, named)).output).toBe('builder.example\nlocalhost builder.example\n');
    const bad = { buildArgs: new Map([['BUILDKIT_SANDBOX_HOSTNAME', 'a b']]) };
    await expect(run(text, bad)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('has the hosts, limits and shared memory that it is told', async () => {
    const { output } = await run('RUN tail -1 /etc/hosts; ulimit -Sn; grep -c "size=2048k" /proc/mounts', {
      hosts: [{ name: 'db', address: '10.0.0.7' }],
      limits: [{ name: 'nofile', soft: 77, hard: 99 }],
      shmSize: 2 << 20,
    });
    expect(output).toBe('10.0.0.7\tdb\n77\n1\n');
  });
});

function secret(id: string, name: string): ReadonlyMap<string, { readonly kind: 'env'; readonly name: string }> {
  return new Map([[id, { kind: 'env', name }]]);
}
