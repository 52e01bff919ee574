import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { docker, lab, withoutEngine, withoutRoot } from './support/lab.ts';
import { typeOnTerminal } from './support/terminal.ts';
import { testUser } from './support/test-user.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';
import { Watching } from './support/watching.ts';

const DOCKERFILE = `FROM busybox
COPY package*.json /app/
RUN cat /app/package.json >/app/installed
COPY src /app/src
RUN cat /app/src/a.js
`;
const FILES = { Dockerfile: DOCKERFILE, 'package.json': '{}', 'README.md': 'not copied', 'src/a.js': 'one' };
const FINISHED = /(?:Built|Loaded|Failed) \d+ ms after the change\.\n/;

const start = (builder: Tsbuild, context: string, ...args: readonly string[]): Watching =>
  new Watching(builder.start(['build', '--progress', 'plain', '-t', 'watched', '--watch', ...args, context]));

describe('build --watch', () => {
  it('builds again when something changes that the build reads, and only then', { timeout: 240_000 }, async () => {
    const builder = await tsbuild();
    const context = await contextOf(FILES);
    const write = (path: string, text: string): void => writeFileSync(join(context, path), text);
    await using watching = start(builder, context);
    expect(await watching.says(/Watching \d+ directories for changes; Ctrl-C ends it\.\n/)).toContain(' one\n');

    // A file that no COPY names, though it lies beside one that does.
    write('README.md', 'still not copied');
    write('src/a.js', 'two');
    expect(await watching.says(FINISHED)).toMatch(
      /^\nsrc\/a\.js changed\n[^]*#2 CACHED[^]*#3 ran again: src\/a\.js changed\n[^]* two\n/,
    );

    // As editors save: another file takes the name, and one of theirs lies beside it.
    write('src/.a.js.swp', 'swap');
    write('src/.new', 'three');
    renameSync(join(context, 'src/.new'), join(context, 'src/a.js'));
    expect(await watching.says(FINISHED)).toMatch(/^\nsrc\/a\.js changed\n[^]* three\n/);

    mkdirSync(join(context, 'src/new/deep'), { recursive: true });
    expect(await watching.says(FINISHED)).toMatch(/^\nsrc\/new changed\n/);
    write('src/new/deep/file', '1');
    expect(await watching.says(FINISHED)).toMatch(/^\nsrc\/new\/deep\/file changed\n[^]*#3 ran again/);

    write('Dockerfile', `${DOCKERFILE}RUN false\n`);
    expect(await watching.says(FINISHED)).toMatch(/^\nDockerfile changed\n[^]*ERROR: [^]*\nFailed \d+ ms/);
    write('src/a.js', 'four');
    expect(await watching.says(FINISHED)).toMatch(/ four\n[^]*\nFailed \d+ ms/);
    write('Dockerfile', DOCKERFILE.replace('src /app', 'nowhere /app'));
    expect(await watching.says(FINISHED)).toMatch(/nowhere.*not found[^]*\nFailed/);
    // What was missing appears.
    symlinkSync('src', join(context, 'nowhere'));
    expect(await watching.says(FINISHED)).toMatch(/^\nnowhere changed\n[^]*\nBuilt \d+ ms/);

    write('.dockerignore', 'src/new\n');
    expect(await watching.says(FINISHED)).toMatch(/^\n\.dockerignore changed\n/);
    write('src/new/deep/file', '2');
    // A directory that is replaced is watched like the one before.
    renameSync(join(context, 'src'), join(context, 'old'));
    mkdirSync(join(context, 'src'));
    write('src/a.js', 'five');
    expect(await watching.says(/ five\n[^]*?Built \d+ ms after the change\.\n/)).not.toContain('deep');
    write('src/a.js', 'six');
    expect(await watching.says(FINISHED)).toMatch(/^\nsrc\/a\.js changed\n[^]* six\n/);
    rmSync(join(context, 'old'), { recursive: true });
    expect(await watching.stop('SIGINT')).toBe(130);
    expect((await builder.output(['history', 'watched'])).split('\n').length).toBeGreaterThan(4);
  });

  it('gives a build up whose input changes, and keeps one that has not read it yet', { timeout: 400_000 }, async () => {
    const builder = await tsbuild();
    const context = await contextOf({ ...FILES, Dockerfile: DOCKERFILE.replace('RUN cat', 'RUN sleep 2; cat') });
    await using watching = start(builder, context);
    await watching.says(/#2 \[stage-0 2\/4\]/);
    writeFileSync(join(context, 'src/a.js'), 'later');
    expect(await watching.says(/Watching/)).toMatch(/#2 DONE[^]* later\n/);
    writeFileSync(join(context, 'package.json'), '{"n":1}');
    await watching.says(/#2 ran again/);
    writeFileSync(join(context, 'package.json'), '{"n":2}');
    const said = await watching.says(FINISHED);
    expect(said).toMatch(/#2 CANCELED\n[^]*\npackage\.json changed meanwhile: /);
    expect(said.match(/#2 DONE/g)).toHaveLength(1);
    expect(await watching.stop('SIGTERM')).toBe(143);
  });

  it('does not build again for what the build itself writes into the context', { timeout: 400_000 }, async () => {
    const builder = await tsbuild();
    const context = await contextOf({ Dockerfile: 'FROM busybox\nCOPY . /app/\nRUN ls /app\n', a: '1' });
    const outputs = ['-o', join(context, 'image.tar'), '--iidfile', join(context, 'id'), '-o', join(context, 'files')];
    await using watching = start(builder, context, ...outputs);
    await watching.says(/Watching/);
    for (const text of ['2', '3']) {
      writeFileSync(join(context, 'a'), text);
      expect(await watching.says(FINISHED)).toMatch(/^[^]*\na changed\n/);
    }
    expect(watching.text.match(/ changed\n/g)).toHaveLength(2);
  });

  it.skipIf(withoutEngine)('loads every image into the engine (needs an engine)', { timeout: 400_000 }, async () => {
    const builder = await tsbuild();
    const context = await contextOf(FILES);
    const env = { DOCKER_HOST: `unix://${lab.engine}/docker.sock` };
    await using watching = new Watching(
      builder.start(['build', '--progress', 'plain', '--watch', '--load', '-t', 'watched:loaded', context], env),
    );
    await watching.says(/Watching/);
    writeFileSync(join(context, 'src/a.js'), 'loaded');
    expect(await watching.says(FINISHED)).toMatch(/\nLoaded \d+ ms after the change\.\n$/);
    const id = (await builder.id('watched:loaded')).trim();
    expect(await docker().output(['images', '--no-trunc', '-q', 'watched:loaded'])).toContain(id);
    expect(await watching.stop('SIGINT')).toBe(130);
  });

  it.skipIf(withoutRoot)(
    'works for an ordinary user (needs root, to become that user)',
    { timeout: 400_000 },
    async () => {
      const builder = await tsbuild({ user: await testUser() });
      const context = await contextOf(FILES);
      await using watching = start(builder, context);
      await watching.says(/Watching/);
      writeFileSync(join(context, 'src/a.js'), 'two');
      expect(await watching.says(FINISHED)).toContain(' two\n');
      expect(await watching.stop('SIGINT')).toBe(130);
    },
  );

  it('gives the terminal back on Ctrl-C, while it waits and while it builds', { timeout: 400_000 }, async () => {
    const builder = await tsbuild();
    const context = await contextOf({ ...FILES, Dockerfile: `${DOCKERFILE}RUN echo sle''eping; sleep 60\n` });
    const waiting = await typeOnTerminal(
      builder,
      ['build', '--watch', '--target', 'x', context],
      [['Ctrl-C ends it', '\x03']],
    );
    expect(waiting).toMatchObject({ exitCode: 130 });
    const building = await typeOnTerminal(builder, ['build', '--watch', context], [['sleeping', '\x03']]);
    expect(building).toMatchObject({ exitCode: 130 });
    for (const { stdout } of [waiting, building]) {
      expect(stdout.lastIndexOf('\x1b[?25l')).toBeLessThanOrEqual(stdout.lastIndexOf('\x1b[?25h'));
      expect(stdout).toMatch(/interrupted\n$/);
    }
  });
});
