import { linkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTar, type RawMember } from '../../../oci/testing/make-tar.ts';
import { NO_SANDBOX } from '../../testing/busybox-root.ts';
import { MistakesBench } from './mistakes-bench.ts';

describe.skipIf(NO_SANDBOX !== '')(`mistakes in layers${NO_SANDBOX}`, () => {
  let lab: MistakesBench;
  beforeAll(async () => {
    lab = await MistakesBench.make();
  });
  afterAll(() => lab[Symbol.asyncDispose]());
  const build = (...args: Parameters<MistakesBench['bench']['build']>) => lab.bench.build(...args);
  const archived = (name: string, members: readonly RawMember[]): string => {
    const context = lab.bench.files(name, {});
    writeFileSync(join(context, 'a.tar'), makeTar(members));
    return context;
  };

  it('names of hard links are absolute, which Docker 29.7 refuses', async () => {
    const built = await build('FROM busybox\nRUN mkdir /d && echo x >/d/one && ln /d/one /d/two && ln /d/one /three\n');
    const links = (await lab.entries(built)).filter((line) => line.startsWith('hardlink'));
    expect(links).toEqual(['hardlink 644 0:0 d/two -> d/one', 'hardlink 644 0:0 three -> d/one']);
  });

  it('COPY --from and COPY break hard links, so that files are stored twice', async () => {
    const stage = 'FROM busybox AS a\nRUN mkdir /d && echo x >/d/one && ln /d/one /d/two\n';
    const built = await build(`${stage}FROM scratch\nCOPY --from=a /d /e\n`);
    expect(await lab.entries(built)).toEqual([
      'directory 755 0:0 e',
      'file 644 0:0 e/one',
      'hardlink 644 0:0 e/two -> e/one',
    ]);
    const context = lab.bench.files('links', { one: 'x' });
    linkSync(join(context, 'one'), join(context, 'two'));
    const copied = await build('FROM scratch\nCOPY . /\n', { context });
    expect(copied.layer).toEqual(['one=x', 'two -> one']);
    const after = await build(`${stage}FROM busybox\nCOPY --from=a /d /e\nRUN stat -c %h /e/one /e/two\n`);
    expect(after.output).toContain('2\n2\n');
  });

  it('whiteouts lie in the filesystem, are seen, and are copied', async () => {
    const text =
      'FROM busybox AS a\nRUN mkdir /d && touch /d/keep /d/gone && mkdir /d/sub && touch /d/sub/x\n' +
      'RUN rm /d/gone && rm -r /d/sub && mkdir /d/sub && touch /d/sub/y\n' +
      'RUN find / -xdev -name ".wh.*"; ls /d /d/sub\nFROM scratch\nCOPY --from=a /d /d\n';
    const built = await build(text);
    expect(built.output).toBe('/d:\nkeep\nsub\n\n/d/sub:\ny\n');
    expect(built.layer).toEqual(['d/', 'd/keep=', 'd/sub/', 'd/sub/y=']);
  });

  it('an entry "." of an archive changes the folder that it is unpacked to', async () => {
    const context = archived('dot', [
      { name: './', type: '5', mode: 0o700, uid: 7, gid: 7 },
      { name: './in', content: 'x' },
    ]);
    const built = await build(
      'FROM busybox\nRUN mkdir -m 751 /t && chown 3:4 /t\nADD a.tar /t\nRUN stat -c "%a %u:%g" /t /t/in\n',
      { context },
    );
    expect(built.output).toBe('751 3:4\n644 0:0\n');
    const root = await build('FROM busybox\nADD a.tar /\nRUN stat -c "%a %u:%g" /\n', { context });
    expect(root.output).toBe('755 0:0\n');
  });

  it('links of an archive lead out of the image', async () => {
    const canary = lab.bench.files('canary', { here: 'untouched' });
    const context = archived('escape', [
      { name: 'abs', type: '2', linkName: canary },
      { name: 'abs/owned', content: 'bad' },
      { name: 'up', type: '2', linkName: '../../../../../../../../..' },
      { name: `up${canary}/here`, content: 'bad' },
    ]);
    await build('FROM busybox\nADD a.tar /t\nRUN find /t\n', { context }).catch(() => undefined);
    const seen = await build('FROM scratch\nCOPY . /\n', { context: canary });
    expect(seen.layer).toEqual(['here=untouched']);
  });

  it('links of a base lead COPY and RUN out of the image', async () => {
    const canary = lab.bench.files('canary-2', { here: 'untouched' });
    const context = lab.bench.files('sources', { here: 'bad' });
    symlinkSync(canary, join(context, 'link'));
    const built = await build(
      `FROM busybox\nRUN ln -s ${canary} /out\nCOPY here /out/\nWORKDIR /out/made\nRUN echo bad >../here; pwd -P\n`,
      { context },
    );
    expect(built.output).toBe(`${canary}/made\n`);
    await expect(build('FROM busybox\nCOPY link/here /\n', { context })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
    expect((await build('FROM scratch\nCOPY . /\n', { context: canary })).layer).toEqual(['here=untouched']);
  });

  it('chown takes setuid and sticky bits away', async () => {
    const context = archived('bits', [
      { name: 'bin', content: 'x', mode: 0o6755, uid: 0, gid: 0 },
      { name: 'tmp/', type: '5', mode: 0o1777 },
    ]);
    const added = await build('FROM busybox\nADD --chown=5:6 a.tar /t\nRUN stat -c "%a %u:%g" /t/bin /t/tmp\n', {
      context,
    });
    expect(added.output).toBe('6755 5:6\n1777 5:6\n');
    const run = await build(
      'FROM busybox AS a\nRUN cp /bin/busybox /su && chown 5:6 /su && chmod 4755 /su && mkdir -m 1777 /st && chown 5 /st\n' +
        'FROM busybox\nCOPY --from=a --chown=7:8 /su /su\nCOPY --from=a --chown=7 /st/ /st/\nCOPY --from=a /su /plain\nRUN stat -c "%a %u:%g" /su /plain\n',
    );
    expect(run.output).toBe('4755 7:8\n4755 5:6\n');
    const unpacked = await build(
      'FROM busybox\nRUN cp /bin/busybox /su && chown 5:6 /su && chmod 6755 /su\nRUN stat -c "%a %u:%g" /su\n',
    );
    expect(unpacked.output).toBe('6755 5:6\n');
  });

  it('what the sandbox mounts is left in the layer', async () => {
    const built = await build('FROM busybox\nRUN cat /etc/hosts /etc/resolv.conf >/dev/null; echo x >/x\n');
    expect(await lab.entries(built)).toEqual(['file 644 0:0 x']);
  });
});
