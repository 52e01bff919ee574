import { describe, expect, it } from 'vitest';
import { changeConfig } from '../../src/container/commit-changes.ts';
import { mergeConfig, mergeEnvironment } from '../../src/container/run-config.ts';
import { signalNumber } from '../../src/container/signals.ts';
import type { CreateOptions } from '../../src/container/create-options.ts';

const IMAGE = { Entrypoint: ['/entry'], Cmd: ['a', 'b'], Env: ['A=1', 'B=2'], WorkingDir: '/w', User: 'app' };
const OPTIONS: CreateOptions = {
  image: 'image',
  command: [],
  environment: [],
  labels: new Map(),
  binds: [],
  volumes: [],
  volumesFrom: [],
  tmpfs: [],
  terminal: false,
  openStdin: false,
  network: 'host',
  ports: [],
  readOnly: false,
  hosts: [],
  init: false,
  isolation: 'auto',
  autoRemove: false,
};
const argv = (changes: Partial<CreateOptions>) => mergeConfig(IMAGE, { ...OPTIONS, ...changes }).argv;

describe('mergeConfig', () => {
  it('runs ENTRYPOINT with CMD, or what takes their place', () => {
    expect(argv({})).toEqual(['/entry', 'a', 'b']);
    expect(argv({ command: ['c'] })).toEqual(['/entry', 'c']);
    expect(argv({ entrypoint: ['/other'] })).toEqual(['/other']);
    expect(argv({ entrypoint: [], command: ['sh'] })).toEqual(['sh']);
    expect(() => argv({ entrypoint: [] })).toThrow('no command specified');
  });

  it('says which ports are exposed, those of the image too, in the order of their names', () => {
    const image = { ...IMAGE, ExposedPorts: { '90/udp': {}, '80/tcp': {} } };
    const { config } = mergeConfig(image, { ...OPTIONS, exposedPorts: ['81/tcp', '80/tcp'] });
    expect(Object.keys(config.ExposedPorts ?? {})).toEqual(['80/tcp', '81/tcp', '90/udp']);
  });

  it('sets variables in their places, and takes away those without a value', () => {
    expect(mergeEnvironment(['A=1', 'B=2', 'C=3'], ['B=5', 'D=6', 'A'])).toEqual(['B=5', 'C=3', 'D=6']);
    // Of images by odd tools; runtimes refuse what has no name.
    expect(mergeEnvironment(['PATH=/bin'], ['=x', '', 'A=1'])).toEqual(['PATH=/bin', 'A=1']);
  });
});

describe('changeConfig', () => {
  it('applies what docker commit --change takes', () => {
    const changes = ['CMD node app.js', 'ENV B=3 C=$A', 'EXPOSE 80', 'LABEL k=v', 'USER root', 'VOLUME /data',
      'WORKDIR sub', 'STOPSIGNAL SIGQUIT', 'HEALTHCHECK CMD true', 'ONBUILD RUN echo x']; // biome-ignore format: one list
    expect(changeConfig(IMAGE, changes)).toMatchObject({
      Entrypoint: ['/entry'],
      Cmd: ['/bin/sh', '-c', 'node app.js'],
      Env: ['A=1', 'B=3', 'C=1'],
      ExposedPorts: { '80/tcp': {} },
      Labels: { k: 'v' },
      User: 'root',
      Volumes: { '/data': {} },
      WorkingDir: '/w/sub',
      StopSignal: 'SIGQUIT',
      OnBuild: ['RUN echo x'],
    });
  });

  // Each value is what an engine's commit gave.
  it.each<[readonly string[], object]>([
    [['ENV A=b'], { Env: ['A=b'] }],
    [['ENV A=$PATH'], { Env: ['A='] }],
    [['ENV A=1\nENV B=2 C="x y"', 'CMD x\n'], { Env: ['A=1', 'B=2', 'C=x y'], Cmd: ['/bin/sh', '-c', 'x'] }],
    [['CMD'], { Cmd: ['/bin/sh', '-c'] }],
    [['CMD []'], { Cmd: ['sleep', '1'] }],
    [['CMD a \\\n b'], { Cmd: ['/bin/sh', '-c', 'a  b'] }],
    [['ENTRYPOINT []'], { Cmd: ['sleep', '1'], Entrypoint: [] }],
    [['ENTRYPOINT'], { Cmd: ['sleep', '1'], Entrypoint: [] }],
    [['ENTRYPOINT ["x"]'], { Entrypoint: ['x'] }],
    [['CMD a', 'ENTRYPOINT ["b"]'], { Entrypoint: ['b'], Cmd: ['/bin/sh', '-c', 'a'] }],
    [['EXPOSE 80 81/udp', 'EXPOSE 90'], { ExposedPorts: { '80/tcp': {}, '81/udp': {}, '90/tcp': {} } }],
  ])('%j of a container without variables', (changes, wanted) => {
    expect({ Entrypoint: [], ...changeConfig({ Cmd: ['sleep', '1'] }, changes) }).toMatchObject(wanted);
  });

  it('without changes it is the config of the container', () => {
    expect(changeConfig({ Cmd: ['a'] }, [])).toEqual({ Cmd: ['a'] });
  });

  it.each([
    ['# nothing', 'contains no instruction'],
    ['RUN true', 'run is not a valid change command'],
    ['COPY a b', 'copy is not a valid change command'],
    ['nonsense', 'unknown instruction'],
  ])('refuses %s', (change, message) => {
    expect(() => changeConfig({}, [change])).toThrow(message);
  });
});

describe('signalNumber', () => {
  it('knows names with and without SIG, numbers, and real-time ones', () => {
    expect(['SIGTERM', 'term', '15', 'RTMIN+3'].map(signalNumber)).toEqual([15, 15, 15, 37]);
    expect(() => signalNumber('NOPE')).toThrow('Invalid signal: NOPE');
    expect(() => signalNumber('0')).toThrow('Invalid signal');
  });
});
