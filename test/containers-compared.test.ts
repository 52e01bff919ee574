import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeAll } from './support/containers.ts';
import { docker, without, withoutEngine, withoutRoot } from './support/lab.ts';
import type { Ended } from './support/process.ts';
import { type Tsbuild, tsbuild } from './support/tsbuild.ts';

const NONE = ['--network', 'none'];
const NAMED = ['-f', 'name=cmp'];
const LIVES = 'echo out; echo err >&2; echo x > /new; rm /bin/vi; mkdir -p /d/e; exec sleep 1000';
const COLUMNS =
  '{{.ID}}|{{.Image}}|{{.Command}}|{{.RunningFor}}|{{.Ports}}|{{.State}}|{{.Status}}|{{.Names}}|{{.Labels}}|{{.Mounts}}|{{.Networks}}|{{.LocalVolumes}}';
const STATE = '{{json .State}}';
const SHAPE =
  '{{.Name}} {{.Path}} {{json .Args}} {{.Driver}} {{.Platform}} {{.RestartCount}} {{json .ExecIDs}} {{.HostConfig.NetworkMode}} ' +
  '{{json .HostConfig.Binds}} {{json .HostConfig.PortBindings}} {{json .HostConfig.RestartPolicy}} {{.HostConfig.AutoRemove}} ' +
  '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.ShmSize}} {{.HostConfig.Privileged}} {{json .HostConfig.LogConfig}} {{json .Mounts}} ' +
  '{{json .NetworkSettings.Ports}} {{.NetworkSettings.IPAddress}}';
const CONFIG =
  '{{.Config.Hostname}} {{.Config.User}} {{.Config.Tty}} {{.Config.OpenStdin}} {{json .Config.Env}} {{json .Config.Cmd}} {{.Config.Image}} ' +
  '{{json .Config.Volumes}} {{.Config.WorkingDir}} {{json .Config.Entrypoint}} {{json .Config.Labels}} {{json .Config.OnBuild}}';

/** The same words for both, one after the other: exit code, output and errors must be the same but for IDs, times and hints. */
const TABLE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'ps': [
    ['ps', ...NAMED], ['ps', '-a', ...NAMED], ['ps', '-aq', ...NAMED], ['ps', '-a', '--no-trunc', ...NAMED], ['ps', '-a', ...NAMED, '--format', COLUMNS],
    ['ps', '-a', ...NAMED, '-f', 'status=exited', '--format', '{{.Names}}'], ['ps', '-a', ...NAMED, '-f', 'exited=3', '--format', '{{.Names}}'],
    ['ps', ...NAMED, '-f', 'status=created', '--format', '{{.Names}}'], ['ps', '-a', ...NAMED, '-f', 'label=k=v', '--format', '{{.Names}}'],
    ['container', 'ls', ...NAMED, '--format', '{{.Names}}'],
  ],
  'logs': [
    ['logs', 'cmp1'], ['logs', '-t', 'cmp1'], ['logs', '--tail', '1', 'cmp2'], ['logs', '--tail', '0', 'cmp1'], ['logs', '--since', '1h', 'cmp1'], ['logs', 'cmp3'],
    ['logs', '--since', '', 'cmp2'], ['logs', '--since', '0', 'cmp2'], ['logs', '--until', '0', 'cmp2'], ['logs', '--since', '-10m', 'cmp2'], ['logs', '--until', '1h', 'cmp2'], ['logs', '--tail', 'x', 'cmp2'],
    ['logs', 'nope'],
  ],
  'diff and top': [['diff', 'cmp1'], ['diff', 'cmp3'], ['diff', 'nope'], ['top', 'cmp1'], ['top', 'cmp1', '-o', 'pid,args'], ['top', 'cmp2'], ['top', 'nope']],
  'inspect': [
    ...['cmp1', 'cmp2', 'cmp3'].flatMap((name) => [STATE, SHAPE, CONFIG].map((format) => ['inspect', '-f', format, name])),
    ['inspect', 'nope'], ['container', 'inspect', 'nope'], ['image', 'inspect', 'cmp1'], ['container', 'inspect', 'busybox'], ['inspect', '--type', 'container', 'nope'],
  ],
  'run and its exit codes': [
    ['run', ...NONE, '--rm', 'busybox', 'nocmd'], ['run', ...NONE, '--rm', 'busybox', '/etc'], ['run', ...NONE, '--name', 'cmp1', 'busybox', 'true'],
    ['run', ...NONE, '--rm', '-u', 'nouser', 'busybox', 'true'], ['run', ...NONE, '--rm', 'busybox', 'sh', '-c', 'exit 42'],
    ['run', ...NONE, '--rm', 'busybox', 'sh', '-c', 'sh -c \'kill -9 $$\'; echo $?'], ['run', ...NONE, '--name', 'a b', 'busybox', 'true'],
    ['run', ...NONE, '--name', 'cmp4', 'busybox', 'nocmd'], ['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.StartedAt}}', 'cmp4'],
    ['run', ...NONE, '--name', 'cmp5', '-u', 'nouser', 'busybox', 'true'], ['inspect', '-f', '{{.State.Status}}', 'cmp5'], ['rm', 'cmp4', 'cmp5'],
  ],
  'what run and create take': [
    ...[['-w', '', 'busybox', 'pwd'], ['-h', '', 'busybox', 'hostname'], ['--name', '', 'busybox', 'true'], ['-h', 'a.b.c', 'busybox', 'hostname'], ['busybox', ''],
      ['--stop-signal', '', 'busybox', 'true'], ['-u', '', 'busybox', 'id', '-u'], ['-u', ':5', 'busybox', 'id'], ['-u', 'root:nope', 'busybox', 'true'], ['-u', '12345', 'busybox', 'id'],
      ['-w', '/not/there', 'busybox', 'pwd'], ['--entrypoint', 'id', 'busybox', '-u'], ['--entrypoint', '', 'busybox', 'id', '-u'], ['--entrypoint', 'echo a', 'busybox'],
      ['--read-only', 'busybox', 'touch', '/x'], ['--read-only', '--tmpfs', '/tmp', 'busybox', 'touch', '/tmp/x'], ['--restart', 'no', 'busybox', 'true'], ['--pull', 'never', '--platform', 'linux/s390x', 'busybox', 'true'],
      ['--cap-drop', 'MKNOD', 'busybox', 'mknod', '/n', 'c', '1', '3'], ['--init', 'busybox', 'sh', '-c', 'exit 7'], ['--log-driver', 'json-file', 'busybox', 'true'], ['--no-healthcheck', 'busybox', 'true'],
      ['--expose', '80:90', 'busybox', 'true'], ['--stop-signal', 'NOPE', 'busybox', 'true'], ['--name', 'a/b', 'busybox', 'true'], ['-e', 'GONE', 'busybox', 'printenv', 'GONE'],
      ['-v', '/tmp:/x', '-v', '/var:/x', 'busybox', 'true'], ['--volumes-from', 'nope', 'busybox', 'true'],
    ].map((words) => ['run', '--rm', ...NONE, ...words]),
    ['create', ...NONE, '--name', 'cmp6', '--expose', '80', '--expose', '90-92/udp', '-p', '8080:70', 'cmp-image', 'true'],
    ['inspect', '-f', '{{json .Config.ExposedPorts}} {{json .NetworkSettings.Ports}}', 'cmp6'], ['ps', '-a', '-f', 'name=cmp6', '--format', '{{.Ports}}'], ['rm', 'cmp6'],
  ],
  'exec': [
    ['exec', '-w', '', 'cmp1', 'pwd'], ['exec', '-u', '', 'cmp1', 'id', '-u'], ['exec', '-u', ':5', 'cmp1', 'id'], ['exec', 'cmp1', 'sh', '-c', 'exit 255'], ['exec', '-d', 'cmp1', 'touch', '/tmp/made'],
    ['exec', 'cmp1', 'sh', '-c', 'echo o; echo e >&2; exit 9'], ['exec', 'cmp2', 'true'],
    ['exec', 'nope', 'true'], ['exec', 'cmp1', 'sh', '-c', 'umask; echo $HOME $PWD; id -u'], ['exec', '-u', '33:44', '-w', '/tmp', '-e', 'X=1', 'cmp1', 'sh', '-c', 'pwd; id; echo $X'],
  ],
  'what is refused': [
    ['rm', 'cmp1'], ['rm', 'nope'], ['stop', 'nope'], ['kill', 'cmp2'], ['start', 'nope'], ['attach', 'cmp2'], ['wait', 'nope'], ['rename', 'cmp2', 'cmp3'],
    ['rename', 'nope', 'x1'], ['commit', 'nope'], ['export', 'nope'], ['rmi', 'cmp-image'],
  ],
  'pause and restart': [
    ['pause', 'cmp1'], ['inspect', '-f', STATE, 'cmp1'], ['ps', ...NAMED, '--format', '{{.Names}} {{.Status}}'], ['exec', 'cmp1', 'true'], ['pause', 'cmp1'],
    ['pause', 'cmp2'], ['unpause', 'cmp1'], ['unpause', 'cmp1'], ['restart', '-t', '0', 'cmp1'], ['inspect', '-f', STATE, 'cmp1'], ['port', 'cmp1'], ['port', 'nope'],
    ['port', 'cmp1', '80'],
  ],
  'the end': [
    ['wait', 'cmp2'], ['stop', '-t', '0', 'cmp1'], ['inspect', '-f', STATE, 'cmp1'], ['stop', 'cmp1'], ['ps', '-a', ...NAMED, '--format', '{{.Names}} {{.Status}}'],
    ['start', 'cmp1', 'cmp2'], ['inspect', '-f', STATE, 'cmp1'], ['kill', '-s', 'KILL', 'cmp1'], ['inspect', '-f', STATE, 'cmp1'], ['rename', 'cmp1', 'cmp9'],
    ['rm', '-f', 'cmp9', 'cmp2', 'cmp3'], ['ps', '-aq', ...NAMED],
  ],
}; // biome-ignore format: a table

describe.skipIf(withoutRoot || withoutEngine)(
  'containers, told of as docker tells of them (needs root and dockerd)',
  () => {
    let builder: Tsbuild;
    const both = async (words: readonly string[]): Promise<[Ended, Ended]> => [
      await docker().run(words),
      await builder.run(words),
    ];
    beforeAll(async () => {
      builder = await tsbuild();
      for (const words of [
        ['run', '-d', '--name', 'cmp1', ...NONE, 'busybox', 'sh', '-c', LIVES],
        [
          'run',
          '--name',
          'cmp2',
          ...NONE,
          '-v',
          '/usr/share:/bound:ro',
          'busybox',
          'sh',
          '-c',
          'echo a; echo b; exit 3',
        ],
        ['tag', 'busybox', 'cmp-image'],
        [
          'create',
          '--name',
          'cmp3',
          ...NONE,
          '-e',
          'A=b',
          '-e',
          'PATH=/bin',
          '-w',
          '/tmp',
          '-u',
          '1000:1000',
          '-l',
          'k=v',
          '--hostname',
          'ship',
          '-v',
          '/own',
          '-t',
          'cmp-image',
          'echo',
          'hi',
        ],
      ])
        await both(words);
      await sleep(500);
    });
    afterAll(async () => {
      await docker().run(['rm', '-fv', 'cmp1', 'cmp2', 'cmp3', 'cmp4', 'cmp5', 'cmp6', 'cmp9']);
      await docker().run(['rmi', 'cmp-image']);
      await removeAll(builder);
    });

    it.each(Object.entries(TABLE))('%s', async (_, table) => {
      for (const words of table) {
        const [theirs, ours] = await both(words);
        expect({ words, ...alike(ours) }).toEqual({ words, ...alike(theirs) });
      }
    });
  },
);

describe.skipIf(withoutRoot || without('runc'))('a container without memory (needs root and runc)', () => {
  it('is said to be one, until it is started again', async () => {
    const builder = await tsbuild();
    const script = 'while [ ! -e /go ]; do sleep 0.1; done; rm /go; exec tail /dev/zero';
    const inspect = (format: string): Promise<string> => builder.output(['inspect', '-f', format, 'eats']);
    await builder.output([
      'run',
      '-d',
      '--name',
      'eats',
      ...NONE,
      '--isolation',
      'runc',
      'busybox',
      'sh',
      '-c',
      script,
    ]);
    try {
      await builder.output(['kill', 'eats']);
      expect(await inspect('{{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('137 false\n');
      await builder.output(['start', 'eats']);
      await limitMemory(Number(await inspect('{{.State.Pid}}')), '16M');
      await builder.output(['exec', 'eats', 'touch', '/go']);
      await builder.output(['wait', 'eats']);
      expect(await inspect('{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('exited 137 true\n');
      await builder.output(['start', 'eats']);
      expect(await inspect('{{.State.Status}} {{.State.OOMKilled}}')).toBe('running false\n');
    } finally {
      await removeAll(builder);
    }
  });
});

/** Of the cgroup of a process, in whichever hierarchy it is. */
async function limitMemory(pid: number, limit: string): Promise<void> {
  const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.split(':'));
  const v1 = lines.find(([, controllers = '']) => controllers.split(',').includes('memory'));
  const path = (v1 ?? lines.find(([number]) => number === '0') ?? [])[2] ?? '';
  if (v1 === undefined) await writeFile(`/sys/fs/cgroup${path}/memory.max`, limit);
  else await writeFile(`/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`, limit);
}

const CODES: readonly (readonly string[])[] = [
  ['exec', '-u', 'nouser', 'cmp', 'true'], ['exec', '-w', '/nodir', 'cmp', 'true'], ['exec', 'cmp', '/etc'], ['container', 'inspect', 'nope'], ['rm', '-f', 'nope'], ['cp', 'nope:/x', '.'],
  ['run', '--nosuchflag', 'busybox'], ['run', '--network', 'none', 'no-such-image:1'], ['run', '-w', 'relative', 'busybox'], ['run', '-v', 'a:/x:nono', 'busybox'],
  ['exec', '-w', 'relative', 'cmp', 'true'], ['run', '--rm', '-l', '=x', 'busybox', 'true'], ['run', '--rm', '--expose', 'x', 'busybox', 'true'], ['run', '--rm', '--platform', 'nope', 'busybox', 'true'],
  ['run', '--rm', '--cidfile', '/etc/passwd', 'busybox', 'true'], ['run', '--rm', '--label-file', '/not/there', 'busybox', 'true'], ['run', '--rm', '--expose', '70000', 'busybox', 'true'],
  ['exec', 'cmp', 'sh', '-c', 'kill -9 $$'], ['volume', 'rm', 'nope'], ['volume', 'inspect', 'nope'], ['logs', 'nope'], ['kill', 'nope'], ['start', '-a', 'nope'],
]; // biome-ignore format: a table

describe.skipIf(withoutRoot || withoutEngine)(
  'exit codes of docker, where its words differ (needs root and dockerd)',
  () => {
    it('command by command', async () => {
      const builder = await tsbuild();
      const sides = [docker(), builder];
      for (const side of sides) await side.run(['run', '-d', '--name', 'cmp', ...NONE, 'busybox', 'sleep', '1000']);
      try {
        for (const words of CODES) {
          const [theirs, ours] = await Promise.all(sides.map(async (side) => (await side.run(words)).exitCode));
          expect([...words, ours]).toEqual([...words, theirs]);
        }
      } finally {
        for (const side of sides) await side.run(['rm', '-f', 'cmp']);
      }
    });
  },
);

/** Flags of `create`, and what `commit --change` is given. */
const COMMITS: readonly (readonly [create: readonly string[], changes: readonly string[]])[] = [
  [[], []], [['-e', 'A=b'], []], [['--entrypoint', 'e'], []], [['--entrypoint', 'e'], ['CMD x']], [['--entrypoint', 'e'], ['ENTRYPOINT []']], [['-e', 'X=1'], ['ENV Y=$X']],
  [[], ['ENV A=$PATH']], [[], ['ENV A=1 B=2 C="x y"']], [[], ['ENV A=1\nCMD x\nLABEL a=b']], [[], ['ENV A=1', 'ENV B=$A']], [[], ['ENV A=1\nCMD x', 'ENV B=$A\nLABEL c=d\nCMD y z']], [[], ['CMD']], [[], ['CMD []']], [[], ['CMD a \\\n b']],
  [[], ['ENTRYPOINT']], [[], ['ENTRYPOINT []']], [[], ['ENTRYPOINT ["x"]']], [[], ['CMD a', 'ENTRYPOINT ["b"]']], [[], ['EXPOSE 80 81/udp 90-91']], [[], ['WORKDIR rel', 'WORKDIR y']],
  [[], ['ONBUILD RUN x']], [[], ['HEALTHCHECK --interval=5s CMD true']], [['-l', 'a=b'], ['LABEL a=c "d e"=f']], [[], ['RUN x']], [[], ['']], [[], ['nope']], [[], ['ENV']], [[], ['SHELL ["/bin/x"]']],
]; // biome-ignore format: a table

describe.skipIf(withoutRoot || withoutEngine)('commit, as docker does it (needs root and dockerd)', () => {
  const FIELDS = [
    'User',
    'ExposedPorts',
    'Env',
    'Cmd',
    'Entrypoint',
    'Volumes',
    'WorkingDir',
    'Labels',
    'StopSignal',
    'Healthcheck',
    'OnBuild',
  ];
  const ROW = ['history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Comment}}'];

  let builder: Tsbuild;
  beforeAll(async () => {
    builder = await tsbuild();
  });
  afterAll(() => removeAll(builder));

  it.each(COMMITS)('create %j, commit --change %j', async (create, changes) => {
    const committed = async (side: Pick<Tsbuild, 'run' | 'output'>): Promise<unknown> => {
      const made = await side.output(['create', '--name', 'cmt', ...NONE, ...create, 'busybox', 'sh', '-c', 'x']);
      try {
        const flags = changes.flatMap((text) => ['-c', text]);
        const { exitCode, stdout } = await side.run(['commit', '-m', 'why', ...flags, made.trim()]);
        if (exitCode !== 0) return 'refused';
        const [image] = JSON.parse(await side.output(['image', 'inspect', stdout.trim()]));
        // An empty list, an empty text and none at all are one to docker.
        const said = FIELDS.map((name) => [name, image.Config[name]] as const);
        const config = said.filter(([, value]) => value && Object.keys(value).length > 0);
        const [row] = (await side.output([...ROW, stdout.trim()])).split('\n');
        return { config: Object.fromEntries(config), row };
      } finally {
        await side.run(['rm', '-f', 'cmt']);
      }
    };
    const [theirs, ours] = await Promise.all([committed(docker()), committed(builder)]);
    expect(ours).toEqual(theirs);
  });
});

function alike({ exitCode, stdout, stderr }: Ended): Ended {
  return { exitCode, stdout: plain(stdout), stderr: plainError(stderr) };
}

function plain(text: string): string {
  const lines = text
    // The engine merges the image's variables through a map of Go, in whatever order.
    .replace(/\["[A-Z]+=[^\]]*\]/g, (list) => `[${list.slice(1, -1).split(',').toSorted().join(',')}]`)
    .replace(/\b[0-9a-f]{64}\b/g, 'ID64')
    .replace(/\b[0-9a-f]{12}\b/g, 'ID12')
    .replace(/\b[0-9a-f]{14}…/g, 'ID14')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (time) => (time.startsWith('0001') ? time : 'TIME'))
    .replace(/(?:\d+ (?:second|minute)s?|Less than a second|About a minute|1 (?:second|minute))(?: ago)?/g, 'AGE')
    .replace(/"Pid":[1-9]\d*/g, '"Pid":PID')
    .replace(/"Source":"[^"]*(\/volumes\/[^"]*)"/g, '"Source":"$1"')
    .replace(/ {2,}/g, '  ')
    .split('\n');
  // What ps says of processes has numbers of its own; docker lists changes in the order of a hash table.
  if (/^UID|^PID/.test(text)) return lines.map((line) => line.replace(/\d+/g, 'N')).join('\n');
  return /^[ACD] \//.test(text) ? lines.toSorted().join('\n') : lines.join('\n');
}

/** Docker's words without who says them, ours without what we advise. */
function plainError(text: string): string {
  return plain(text)
    .split('\n')
    .filter((line) => !/^(?:hint: |See '|time="|Error: failed to |Run ')/.test(line))
    .map((line) => line.replace(/^(?:docker: )?(?:ERROR: |Error response from daemon: |Error: )?/, ''))
    .map((line) => line.replace(/^.*(?=exec: ")/, '').replace(/: unknown\.?$/, ''))
    .map((line) => line.replace(/^(?:Cannot kill container: \S+: |Error when allocating new name: )/, ''))
    .map((line) => line.replace(/\.$/, ''))
    .filter((line) => line !== '')
    .join('\n');
}
