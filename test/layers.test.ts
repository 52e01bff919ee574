import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dockerTree } from './support/docker-image.ts';
import { docker, lab, withoutEngine, withoutRoot } from './support/lab.ts';
import { output } from './support/process.ts';
import { CHANGES, CHANGES_CONTEXT } from './support/scenario.ts';
import { contextOf, type Tsbuild, tsbuild } from './support/tsbuild.ts';

/** The names in the topmost layer of an image, as tar prints them. */
async function topLayer(builder: Tsbuild, image: string): Promise<string[]> {
  const layers = JSON.parse(await builder.output(['inspect', '-f', '{{json .RootFS.Layers}}', image])) as string[];
  const hex = layers.at(-1)?.slice('sha256:'.length) ?? '';
  const names = await output('tar', ['-tf', join(builder.store, 'blobs/sha256', hex)]);
  return names.split('\n').flatMap((name) => (name === '' ? [] : [name.replace(/^\.\//, '').replace(/\/$/, '')]));
}

describe('what RUN leaves behind', () => {
  let builder: Tsbuild;
  const layerOf = async (command: string): Promise<string[]> => {
    await builder.build(await contextOf({ Dockerfile: `FROM busybox\nRUN ${command}\n` }), ['-t', 'layer']);
    return topLayer(builder, 'layer');
  };

  beforeAll(async () => {
    builder = await tsbuild();
  });

  it('nothing, when the command changed nothing: no /proc, /dev, /etc/hosts or /etc/resolv.conf', async () => {
    expect(await layerOf('cat /etc/hosts /etc/resolv.conf > /dev/null; ls /proc /sys /dev > /dev/null')).toEqual([]);
  });

  it('the file it made, below the folders on the way', async () => {
    expect(await layerOf('echo x > /root/new')).toEqual(['root', 'root/new']);
  });

  it('a whiteout for what it removed', async () => {
    expect(await layerOf('rm /etc/os-release')).toEqual(['etc', 'etc/.wh.os-release']);
  });
});

describe('RUN', () => {
  let builder: Tsbuild;
  beforeAll(async () => {
    builder = await tsbuild();
  });
  const progressOf = async (command: string, args: readonly string[] = []): Promise<string> =>
    (await builder.build(await contextOf({ Dockerfile: `FROM busybox\nRUN ${command}\n` }), ['--no-cache', ...args]))
      .stderr;

  it('has the network of the host, or none but loopback', async () => {
    const names = "sed -n 's/^ *\\([^ ]*\\):.*/interface=\\1/p' /proc/net/dev";
    const here = await output('sh', ['-c', names]);
    const interfaces = (text: string): string[] =>
      [...text.matchAll(/interface=(?!\\)(\S+)/g)].map((match) => match[1] ?? '').toSorted();
    expect(interfaces(await progressOf(names))).toEqual(interfaces(here));
    expect(interfaces(await progressOf(names, ['--network', 'none']))).toEqual(['lo']);
  });

  it('that fails ends the build with its exit code, its line and its last output', async () => {
    const Dockerfile = 'FROM busybox\nRUN true\nRUN echo about to fail; exit 7\n';
    const { exitCode, stdout, stderr } = await builder.run(['build', '-t', 'failed', await contextOf({ Dockerfile })]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('Dockerfile:3');
    expect(stderr).toContain('RUN echo about to fail; exit 7');
    expect(stderr).toMatch(/exit code:? 7/);
    expect(stderr.split('about to fail').length).toBeGreaterThan(2);
    expect((await builder.run(['inspect', 'failed'])).exitCode).toBe(1);
  });

  it('runs again on a changed base, while COPY of the same files does not', async () => {
    const base = async (text: string): Promise<unknown> =>
      builder.build(await contextOf({ Dockerfile: `FROM busybox\nRUN echo ${text} > /base\n` }), ['-t', 'base']);
    const context = await contextOf({ Dockerfile: 'FROM base\nCOPY Dockerfile /there\nRUN cat /base > /seen\n' });
    await base('one');
    await builder.build(context, ['-t', 'on-base']);
    await base('two');
    const { steps } = await builder.build(context, ['-t', 'on-base']);
    expect(steps.get('COPY Dockerfile /there')).toBe('CACHED');
    expect(steps.get('RUN cat /base > /seen')).toBe('DONE');
  });
});

describe.skipIf(withoutEngine)('the same Dockerfile, by tsbuild and by Docker (needs root and dockerd)', () => {
  it('gives the same root filesystem: owners, modes, links, deletions, replaced folders', async () => {
    const context = await contextOf(CHANGES_CONTEXT);
    const builder = await tsbuild();
    await builder.build(context, ['-t', 'changes:tsbuild', '-o', `${builder.store}.tar`]);
    await docker().output(['load', '-i', `${builder.store}.tar`]);
    await docker().output(['build', '--network', 'none', '-t', 'changes:docker', context]);
    const [ours, theirs] = [await dockerTree('changes:tsbuild'), await dockerTree('changes:docker')];
    expect(ours).toEqual(theirs);
    expect(ours.length).toBeGreaterThan(300);
    expect(CHANGES).toContain('chmod 4755');
  });

  it('keeps file capabilities', async () => {
    const libraries = (await output('ldd', ['/usr/sbin/setcap', '/usr/sbin/getcap'])).match(/\/\S*libcap\.so\S*/);
    const context = await contextOf({
      Dockerfile: [
        'FROM node:18-alpine',
        'COPY setcap getcap /sbin/',
        'COPY libcap.so.2 /lib/x86_64-linux-gnu/',
        'RUN cp /bin/busybox /capable && setcap cap_net_raw+ep /capable',
        'ENTRYPOINT []',
      ].join('\n'),
    });
    await output('cp', ['-L', '/usr/sbin/setcap', '/usr/sbin/getcap', context]);
    await output('cp', ['-L', libraries?.[0] ?? '', join(context, 'libcap.so.2')]);
    const builder = await tsbuild({ bases: 'all' });
    await builder.build(context, ['-t', 'capable', '-o', `${builder.store}.tar`]);
    await docker().output(['load', '-i', `${builder.store}.tar`]);
    expect(await docker().output(['run', '--rm', '--network', 'none', 'capable', 'getcap', '/capable'])).toBe(
      '/capable cap_net_raw=ep\n',
    );
  });
});

describe.skipIf(lab.bases['debian'] === undefined || withoutRoot)(
  'Debian (its base is made on CI or when asked; needs root)',
  () => {
    it('apt-get install works in a RUN', { timeout: 300_000 }, async () => {
      const builder = await tsbuild({ bases: 'all' });
      const install =
        'RUN apt-get update && apt-get install -y --no-install-recommends hello && rm -rf /var/lib/apt/lists/*';
      const context = await contextOf({ Dockerfile: `FROM debian:bookworm-slim\n${install}\nRUN hello\n` });
      const built = await builder.build(context, [], { timeout: 300_000 });
      expect(built.stderr).toContain('Hello, world!');
    });
  },
);
