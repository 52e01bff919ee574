import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const DOCKERFILE = [
  'FROM busybox AS build',
  'WORKDIR /w',
  'COPY src ./src',
  'RUN cat src/*.js >out.js && head -c 16 /dev/urandom | base64 >stamp',
  'FROM busybox',
  'COPY --from=build /w/out.js /app/',
  'COPY src/main.js /app/',
  'ENV MODE=production',
  '',
].join('\n');

const FILES = { Dockerfile: DOCKERFILE, 'src/main.js': 'main', 'src/lib.js': 'lib' };

describe('image verify NAME CONTEXT', () => {
  let builder: Tsbuild;
  beforeAll(async () => {
    builder = await tsbuild();
    await builder.build(await contextOf(FILES), ['-t', 'app']);
  });
  const verify = (context: string, ...words: string[]): ReturnType<Tsbuild['run']> =>
    builder.run(['image', 'verify', ...words, 'app', context]);

  it('says that another checkout of the same files is what the image was built from', async () => {
    const { exitCode, stdout, stderr } = await verify(await contextOf(FILES));
    expect(stdout).toMatch(
      /^Same: app \(\w{12}, built .*\) was built from this .*Dockerfile and these files \(5 steps compared\)\.\n$/,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('names the files that differ, with the line of their COPY, and nothing that merely follows', async () => {
    const context = await contextOf({ ...FILES, 'src/lib.js': 'changed', 'src/new.js': 'new' });
    const { exitCode, stdout } = await verify(context);
    expect(exitCode).toBe(1);
    expect(stdout.split('\n').slice(1)).toEqual([
      expect.stringMatching(/Dockerfile:3: COPY src \.\/src {2}\(#2 \[build\]\)$/),
      '     src/lib.js changed',
      '     src/new.js is new',
      '',
    ]);
    const json = await verify(context, '--format', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      verdict: 'different',
      steps: [
        {
          number: 2,
          range: { start: { line: 3 } },
          changes: [{ kind: 'file', name: 'src/lib.js' }, { change: 'added' }],
        },
      ],
    });
    await rm(join(context, 'src/main.js'));
    const gone = await verify(context);
    expect(gone.stdout).toMatch(/Dockerfile:7: COPY src\/main\.js \/app\/ .*\n {5}a build would fail here: .*main\.js/);
  });

  it('names a changed instruction first', async () => {
    const dockerfile = DOCKERFILE.replace('>out.js', '>all.js').replace('production', 'test');
    const { exitCode, stdout } = await verify(await contextOf({ ...FILES, Dockerfile: dockerfile, 'src/lib.js': 'x' }));
    expect(exitCode).toBe(1);
    expect(stdout.split('\n').slice(1)).toEqual([
      expect.stringMatching(/Dockerfile: ENV MODE=test {2}\(it was ENV MODE=production\)$/),
      expect.stringMatching(/Dockerfile:4: RUN cat src\/\*\.js >all\.js .*\(#3 \[build\]\)$/),
      expect.stringMatching(/^ {5}the instruction changed \(it was RUN cat .*>out\.js /),
      expect.stringMatching(/Dockerfile:3: COPY/),
      '     src/lib.js changed',
      '',
    ]);
    const more = DOCKERFILE.replace('ENV', 'RUN true\nENV').replace('COPY src/main.js /app/\n', '');
    const rewritten = await verify(await contextOf({ ...FILES, Dockerfile: more }));
    expect(rewritten.stdout).toMatch(/:7: RUN true .*\n {5}the image was built without this instruction/);
    expect(rewritten.stdout).toMatch(
      /COPY src\/main\.js \/app\/ .*\n {5}the image was built with this instruction, which is gone/,
    );
  });

  it('takes the arguments and labels of the build', async () => {
    const context = await contextOf({ Dockerfile: 'FROM busybox\nARG V\nRUN echo $V >/v\n' });
    await builder.build(context, ['-t', 'with-args', '--build-arg', 'V=1', '--label', 'a=b']);
    const without = await builder.run(['image', 'verify', 'with-args', context]);
    expect(without).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/V 1 is gone/) });
    expect(without.stdout).toContain('config.Labels is not set; in the image {"a":"b"}');
    expect(without.stdout).toContain('is verified with the --build-arg, --label');
    const same = await builder.run(['image', 'verify', '--build-arg', 'V=1', '--label', 'a=b', 'with-args', context]);
    expect(same).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Same/) });
  });

  it('exits 2 where nothing can be told', async () => {
    const context = await contextOf(FILES);
    const base = await builder.run(['image', 'verify', 'busybox', context]);
    expect(base).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no build record here\nhint: .*store that built it/),
    });
    expect((await builder.run(['image', 'verify', 'nobody', context])).exitCode).toBe(2);
    expect((await verify(join(context, 'nothing'))).exitCode).toBe(2);
    expect((await builder.run(['image', 'verify', '--key', 'x', 'app', context])).exitCode).toBe(2);
  });

  it('builds again on request: alike where what differs stays out of the image', async () => {
    const { exitCode, stdout } = await verify(await contextOf(FILES), '--rebuild');
    expect(stdout).toMatch(
      /\nRebuilt: the same files; only times differ.*\nNot in the image, but different each time:\n#3 .*\n {5}\/w\/stamp: content\n/,
    );
    expect(exitCode).toBe(0);
  });

  it('and names the first step and file that differ in the image, whatever was built meanwhile', async () => {
    const context = await contextOf({ ...FILES, Dockerfile: DOCKERFILE.replace('/w/out.js /app/', '/w/ /app/') });
    await builder.build(context, ['-t', 'stamped']);
    await builder.build(context, ['-t', 'later', '--no-cache']);
    const { exitCode, stdout } = await builder.run(['image', 'verify', '--rebuild', 'stamped', context]);
    expect(stdout).toMatch(/\nRebuilt: another image\. .*Dockerfile:4: RUN cat .* gives another \/w\/stamp\.\n/);
    expect(stdout).toMatch(/\n#4 \[stage-1\] COPY --from=build \/w\/ \/app\/ .*\n {5}\/app\/stamp: content\n/);
    expect(exitCode).toBe(1);
    // Neither the checkout nor the store is another one for it.
    expect((await builder.run(['image', 'verify', 'stamped', context])).exitCode).toBe(0);
    await writeFile(join(context, 'src/main.js'), 'other');
    const other = await builder.run(['image', 'verify', '--rebuild', 'stamped', context]);
    expect(other.exitCode).toBe(1);
    expect(other.stdout).not.toContain('Rebuilt');
  });

  it('compares with the layers of the image, not with those of a later build of the same steps', async () => {
    const context = await contextOf({
      Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=s cat /run/secrets/s >/s\n',
    });
    // What a secret is decides no key: the later build's record takes the place of the first one's.
    const secret = (value: string): [string[], { env: Record<string, string> }] => [
      ['--secret', 'id=s,env=S'],
      { env: { S: value } },
    ];
    const [flags, first] = secret('1');
    await builder.build(context, ['-t', 'first', ...flags], first);
    await builder.build(context, ['-t', 'second', '--no-cache', ...flags], secret('2')[1]);
    const again = await builder.run(['image', 'verify', '--rebuild', ...flags, 'first', context], first);
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Rebuilt: the same files') });
    const other = await builder.run(['image', 'verify', '--rebuild', ...flags, 'first', context], secret('3')[1]);
    expect(other).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/Dockerfile:2: RUN .* gives another \/s\.\n/),
    });
  });
});
