import { chmodSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_SANDBOX } from '../../testing/busybox-root.ts';
import { MistakesBench } from './mistakes-bench.ts';

// Every title names a mistake that a serious builder has made; the tests hold that this one does not.
describe.skipIf(NO_SANDBOX !== '')(`mistakes in cache keys${NO_SANDBOX}`, () => {
  let lab: MistakesBench;
  beforeAll(async () => {
    lab = await MistakesBench.make();
  });
  afterAll(() => lab[Symbol.asyncDispose]());
  const build = (...args: Parameters<MistakesBench['bench']['build']>) => lab.bench.build(...args);

  it.each([
    ['RUN ["true", "a-b", "c"]', 'RUN ["true", "a", "b-c"]'],
    ['ENV A=1-B=2\nRUN env', 'ENV A=1 B=2\nRUN env'],
    ['ENV C="1 D=2"\nRUN env', 'ENV C=1 D=2\nRUN env'],
    ['RUN ["sh", "-c", "true x"]', 'RUN ["sh", "-c", "true", "x"]'],
  ])('parts joined by a character collide: %j', async (one, other) => {
    await build(`FROM busybox\n${one}\n`);
    expect((await build(`FROM busybox\n${other}\n`)).steps.cached).toBe(0);
    expect((await build(`FROM busybox\n${one}\n`)).steps.cached).toBe(1);
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['name and content', { a: 'bc' }, { ab: 'c' }],
    ['two files and one', { a: 'x', b: 'y' }, { a: 'xby' }],
    ['a name that looks like two lines', { 'a\nfile b': 'x' }, { a: 'x', 'file b': 'x' }],
    ['folders', { 'a/bc': 'x' }, { 'ab/c': 'x' }],
  ])('names and contents without frames collide: %s', async (what, one, other) => {
    const text = 'FROM scratch\nCOPY . /\n';
    const first = await build(text, { context: lab.bench.files(`one-${what}`, one) });
    const second = await build(text, { context: lab.bench.files(`other-${what}`, other) });
    expect(second.steps.cached).toBe(0);
    expect(second.layer).not.toEqual(first.layer);
  });

  it.each([
    ['RUN', 'ARG V\nRUN echo $V >/x', 'x=one\n'],
    ['an exec form whose text has no variable', 'ARG V\nENV W=$V\nRUN ["sh", "-c", "echo $W >/x"]', 'x=one\n'],
    ['the body of a COPY heredoc', 'ARG V\nCOPY <<EOF /x\n$V\nEOF', 'x=one\n'],
    ['the name of a source', 'ARG V\nCOPY $V /x', 'x=1'],
    ['a destination', 'ARG V\nCOPY one /$V', 'one=1'],
    ['a global ARG behind a default', 'ARG V\nARG P=${V}\nRUN echo $P >/x', 'x=one\n'],
  ])('the text enters the key before its variables are expanded: %s', async (_what, lines, layer) => {
    const context = lab.bench.files('variables', { one: '1', two: '2' });
    const withV = (value: string) => build(`FROM busybox\n${lines}\n`, { context, buildArgs: new Map([['V', value]]) });
    expect((await withV('one')).layer).toEqual([layer]);
    const other = await withV('two');
    expect(other.steps.cached).toBe(0);
    expect(other.layer).not.toEqual([layer]);
  });

  it('time, labels and history of the base make its steps run again', async () => {
    await lab.variant('later', { created: '2031-01-01T00:00:00Z', config: { Labels: { built: 'later' } } });
    const steps = 'RUN echo same >/same-base\nCOPY <<A /a\nx\nA\nWORKDIR /w\n';
    await build(`FROM busybox\n${steps}`);
    expect((await build(`FROM later\n${steps}`)).steps).toMatchObject({ total: 3, cached: 3 });
  });

  it('a file renamed, or two exchanged, is the same content', async () => {
    const context = lab.bench.files('rename', { a: '1', b: '2' });
    const text = 'FROM scratch\nCOPY . /\n';
    await build(text, { context });
    renameSync(join(context, 'a'), join(context, 'c'));
    expect((await build(text, { context })).layer).toEqual(['b=2', 'c=1']);
    renameSync(join(context, 'b'), join(context, 'a'));
    renameSync(join(context, 'c'), join(context, 'b'));
    expect((await build(text, { context })).layer).toEqual(['a=2', 'b=1']);
    const named = 'FROM scratch\nCOPY a* /to/\n';
    await build(named, { context });
    renameSync(join(context, 'a'), join(context, 'a2'));
    expect((await build(named, { context })).layer).toEqual(['to/', 'to/a2=2']);
  });

  it('equal size and time mean equal content', async () => {
    const text = 'FROM scratch\nCOPY f /\n';
    const context = lab.bench.files('same-size', { f: 'one' });
    utimesSync(join(context, 'f'), 1000, 1000);
    await build(text, { context });
    writeFileSync(join(context, 'f'), 'two');
    utimesSync(join(context, 'f'), 1000, 1000);
    expect((await build(text, { context })).layer).toEqual(['f=two']);
    const other = lab.bench.files('same-size-elsewhere', { f: 'six' });
    utimesSync(join(other, 'f'), 1000, 1000);
    expect((await build(text, { context: other })).layer).toEqual(['f=six']);
  });

  it('modes do not count, or times do', async () => {
    const text = 'FROM scratch\nCOPY f /\n';
    const context = lab.bench.files('modes', { f: 'x' });
    await build(text, { context });
    utimesSync(join(context, 'f'), 5, 5);
    expect((await build(text, { context })).steps.cached).toBe(1);
    chmodSync(join(context, 'f'), 0o755);
    expect((await build(text, { context })).steps.cached).toBe(0);
  });

  it('.dockerignore hides the files of a stage from its dependents', async () => {
    const context = lab.bench.files('allow-list', { '.dockerignore': '*\n!kept\n', kept: 'k', out: 'of the context' });
    const text = (made: string) =>
      `FROM busybox AS a\nRUN echo ${made} >/out\nFROM busybox\nCOPY kept /\nCOPY --from=a /out /out\n`;
    expect((await build(text('one'), { context })).layer).toEqual(['out=one\n']);
    expect((await build(text('two'), { context })).layer).toEqual(['out=two\n']);
  });

  it('after one miss nothing more is looked up', async () => {
    const text = (word: string) =>
      `FROM busybox\nRUN echo ${word} >/dev/null; echo same >/made; touch -d @1000 /made\nCOPY <<A /a\nx\nA\nRUN cat /made /a >/b\n`;
    await build(text('one'));
    const { steps } = await build(text('two'));
    expect(steps).toMatchObject({ total: 3, cached: 2 });
  });

  it('VOLUME makes something with a fresh time, so what follows never hits', async () => {
    const text =
      'FROM busybox AS a\nVOLUME /data\nRUN ls -d /data >/seen 2>&1 || true\nFROM a\nCOPY --from=a /seen /s\n';
    const first = await build(text);
    expect((await build(text)).steps).toMatchObject({ total: 2, cached: 2 });
    expect(first.image.layers).toHaveLength(3);
  });

  it('COPY --from hits always, or never', async () => {
    const text = (noise: string, made: string) =>
      `FROM busybox AS a\nRUN echo ${noise} >/noise; echo ${made} >/out\nFROM busybox\nCOPY --from=a /out /from-a\n`;
    await build(text('1', 'x'));
    expect((await build(text('2', 'x'))).steps).toMatchObject({ total: 2, cached: 1 });
    expect((await build(text('2', 'y'))).layer).toEqual(['from-a=y\n']);
  });

  it('a build argument that nobody uses before a step makes it run again', async () => {
    const text = 'FROM busybox\nRUN echo before >/x\nARG V\nRUN echo $V >/y\n';
    await build(text, { buildArgs: new Map([['V', '1']]) });
    expect((await build(text, { buildArgs: new Map([['V', '2']]) })).steps).toMatchObject({ total: 2, cached: 1 });
  });
});
