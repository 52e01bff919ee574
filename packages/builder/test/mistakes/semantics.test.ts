import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_SANDBOX } from '../../testing/busybox-root.ts';
import { MistakesBench } from './mistakes-bench.ts';

describe.skipIf(NO_SANDBOX !== '')(`mistakes in what instructions mean${NO_SANDBOX}`, () => {
  let lab: MistakesBench;
  beforeAll(async () => {
    lab = await MistakesBench.make();
  });
  afterAll(() => lab[Symbol.asyncDispose]());
  const build = (...args: Parameters<MistakesBench['bench']['build']>) => lab.bench.build(...args);

  it('COPY keeps the owners of the context', async () => {
    const context = lab.bench.files('owned', { 'd/f': 'x' });
    chownSync(join(context, 'd'), 12, 34);
    chownSync(join(context, 'd/f'), 12, 34);
    const built = await build('FROM busybox\nUSER 9\nCOPY . /c\n', { context });
    expect(await lab.entries(built)).toEqual(['directory 755 0:0 c', 'directory 755 0:0 c/d', 'file 644 0:0 c/d/f']);
  });

  it('--chmod and --chown forget the folders that they make on the way', async () => {
    const context = lab.bench.files('implied', { f: 'x' });
    const octal = await build('FROM busybox\nCOPY --chmod=700 f /n/m/f\n', { context });
    expect(await lab.entries(octal)).toEqual(['directory 700 0:0 n', 'directory 700 0:0 n/m', 'file 700 0:0 n/m/f']);
    const owned = await build('FROM busybox\nCOPY --chown=5:6 f /n/m/f\n', { context });
    expect(await lab.entries(owned)).toEqual(['directory 755 5:6 n', 'directory 755 5:6 n/m', 'file 644 5:6 n/m/f']);
    // Symbols change what is there, and a folder that is made is 755 before and after.
    const symbolic = await build('FROM busybox\nCOPY --chmod=go= f /n/m/f\n', { context });
    expect((await lab.entries(symbolic)).at(-1)).toBe('file 600 0:0 n/m/f');
    const existing = await build('FROM busybox\nRUN mkdir -m 711 /e\nCOPY --chmod=700 f /e/f\n', { context });
    expect(await lab.entries(existing)).toEqual(['directory 711 0:0 e', 'file 700 0:0 e/f']);
  });

  it('WORKDIR gives its new directories to root, whatever USER says', async () => {
    const built = await build('FROM busybox\nUSER 5:6\nWORKDIR /a/b\n');
    expect(await lab.entries(built)).toEqual(['directory 755 5:6 a', 'directory 755 5:6 a/b']);
  });

  it('RUN drops the group of USER, or keeps groups that it should not', async () => {
    expect((await build('FROM busybox\nUSER 1000:1001\nRUN id -u; id -g; id -G\n')).output).toBe('1000\n1001\n1001\n');
    expect((await build('FROM busybox\nUSER app\nRUN id -u; id -g; id -G\n')).output).toBe('1000\n1000\n1000 1001\n');
    expect((await build('FROM busybox\nUSER app:root\nRUN id -G\n')).output).toBe('0\n');
  });

  it('ENV always wins over ARG', async () => {
    expect((await build('FROM busybox\nENV X=env\nARG X=arg\nRUN echo $X\n')).output).toBe('arg\n');
    expect((await build('FROM busybox\nARG X=arg\nENV X=env\nRUN echo $X\n')).output).toBe('env\n');
  });

  it('heredocs of COPY are copied as they stand, or expanded under quotes', async () => {
    const text = (word: string): string => `FROM scratch\nARG V=value\nCOPY <<${word} /x\n$V \${V} \\$V\nEOF\n`;
    expect((await build(text('EOF'))).layer).toEqual(['x=value value $V\n']);
    expect((await build(text('"EOF"'))).layer).toEqual(['x=$V ${V} \\$V\n']);
  });

  it('ARGs leak into sibling stages', async () => {
    const text =
      'ARG G=global\nFROM busybox AS a\nARG A=a G\nRUN echo "a: $A $G"\nFROM busybox\nCOPY --from=a /etc/group /g\nRUN echo "b: <$A> <$G>"\n';
    expect((await build(text)).output).toContain('b: <> <>\n');
  });

  it('annotations and labels of a parent image become those of the manifest', async () => {
    await lab.variant('labelled', { config: { Labels: { kept: 'yes' } } });
    const { image } = await build('FROM labelled\nLABEL own=1\n', { tags: ['made'] });
    expect(image.config.config?.Labels).toEqual({ kept: 'yes', own: '1' });
    const stored = await lab.bench.store.layout.find('made');
    expect(stored?.manifest.annotations).toBeUndefined();
  });

  it('what a command leaves in the background keeps the step from ending, or lives on', async () => {
    const built = await build('FROM busybox\nRUN sleep 1000 & echo started\nRUN ps -o args\n');
    expect(built.output).toContain('started\n');
    expect(built.output).not.toContain('sleep 1000');
  });

  it('a process that ends without a parent fails the command', async () => {
    const built = await build(
      'FROM busybox\nRUN for i in 1 2 3 4 5; do (sh -c "sleep 0.1 &"); done; sleep 0.3; echo ended\n',
    );
    expect(built.output).toBe('ended\n');
  });

  it('stages are not found by number or in capitals', async () => {
    const text = (name: string): string =>
      `FROM busybox AS Builder\nRUN echo x >/x\nFROM scratch\nCOPY --from=${name} /x /x\n`;
    for (const name of ['0', 'BUILDER', 'builder', 'Builder'])
      expect((await build(text(name))).layer).toEqual(['x=x\n']);
    expect((await build('FROM busybox AS Base\nRUN echo x >/x\nFROM bAsE\nRUN cat /x\n')).output).toBe('x\n');
    expect((await build(text('0'), { target: 'BUILDER' })).layer).toEqual(['x=x\n']);
  });
});
