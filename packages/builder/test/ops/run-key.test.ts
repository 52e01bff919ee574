import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryBlobStore } from '@tsbuild/oci';
import { LayerIndexStore } from '@tsbuild/oci/node';
import { describe, expect, it } from 'vitest';
import { preimageText } from '../../src/cache/cache-key.ts';
import type { RunMountSource, RunSpec } from '../../src/executor/executor.ts';
import { ArchiveIndexes } from '../../src/ops/add/archive-indexes.ts';
import type { OpDependencies } from '../../src/ops/dependencies.ts';
import type { Rootfs } from '../../src/ops/rootfs.ts';
import { RootfsTrees } from '../../src/ops/rootfs-trees.ts';
import { type RunLimits, type RunRequest, runStep } from '../../src/ops/run/run.ts';
import type { MountRequest } from '../../src/ops/run/run-mount.ts';
import { localLayers } from '../../testing/local-layers.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';
import { noMounts } from '../../testing/no-mounts.ts';

const RANGE = { start: { line: 1, column: 0 }, end: { line: 1, column: 4 } };
const LAYER = { digest: `sha256:${'1'.repeat(64)}` } as const;
const DOCUMENT = readFileSync(fileURLToPath(new URL('../../../../docs/store.md', import.meta.url)), 'utf8');

/** What a RUN is made from that is not in its request. */
interface Surroundings {
  readonly parent: Rootfs;
  readonly epoch: number | undefined;
}
const HERE: Surroundings = { parent: { layers: [LAYER] }, epoch: undefined };

const REQUEST: RunRequest = {
  id: 'one',
  range: RANGE,
  parent: { kind: 'constant', value: HERE.parent },
  argv: ['/bin/sh', '-c', 'make'],
  environment: ['PATH=/bin'],
  proxies: [],
  workingDirectory: '/',
  user: '',
  network: 'host',
  hostname: 'buildkitsandbox',
  mounts: [],
  limits: { shmSize: undefined, limits: [], hosts: [] },
  platform: { os: 'linux', architecture: 'amd64' },
  ignoreCache: false,
};

async function keyText(request: RunRequest, { parent, epoch }: Surroundings = HERE): Promise<string> {
  const blobs = new MemoryBlobStore();
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-key-'));
  const indexes = new LayerIndexStore(directory, blobs);
  const layers = localLayers(blobs, indexes);
  const unreachable = () => Promise.reject(new Error('no network'));
  const dependencies: OpDependencies = {
    blobs,
    layers,
    trees: new RootfsTrees(indexes, layers),
    archives: { indexes: new ArchiveIndexes(directory), temporary: directory },
    downloads: { resolve: unreachable, ensure: unreachable },
    repositories: { resolve: unreachable },
    mounts: noMounts(),
    sandbox: () => Promise.reject(new Error('a key needs no sandbox')),
    epoch,
  };
  const context = { signal: new AbortController().signal, output: () => {}, notice: () => {} };
  const { preimage } = await runStep(request, dependencies).prepare([parent], context);
  return preimageText(preimage);
}

/** Another value of an input, or the words by which docs/store.md says that it is not in the key. */
type Input<T> = { readonly other: T } | { readonly documented: string };

/** Every field of a request. A new one does not compile before it is decided here. */
const INPUTS: { readonly [K in keyof RunRequest]: Input<RunRequest[K]> } = {
  argv: { other: ['/bin/sh', '-c', 'make all'] },
  environment: { other: ['PATH=/bin', 'A=1'] },
  workingDirectory: { other: '/src' },
  user: { other: 'app' },
  network: { other: 'none' },
  hostname: { other: 'other' },
  mounts: { other: [{ kind: 'tmpfs', target: '/tmp', size: undefined }] },
  limits: { other: { shmSize: 1, limits: [], hosts: [] } },
  platform: { other: { os: 'linux', architecture: 'arm64' } },
  proxies: { documented: 'proxy variables' },
  // Of no command: names, places in the Dockerfile, and what is told apart by the value of the vertex.
  id: { documented: '' },
  range: { documented: '' },
  parent: { documented: '' },
  ignoreCache: { documented: '' },
};

const LIMITS: { readonly [K in keyof RunLimits]: readonly RunLimits[K][] } = {
  shmSize: [undefined, 1, 2],
  limits: [
    [],
    [{ name: 'nofile', soft: 1, hard: 2 }],
    [{ name: 'nofile', soft: 2, hard: 2 }],
    [{ name: 'nofile', soft: 1, hard: 3 }],
    [{ name: 'nproc', soft: 1, hard: 2 }],
  ],
  hosts: [
    [],
    [{ name: 'db', address: '10.0.0.1' }],
    [{ name: 'db', address: '10.0.0.2' }],
    [{ name: 'mail', address: '10.0.0.1' }],
    [
      { name: 'db', address: '10.0.0.1' },
      { name: 'db', address: '10.0.0.2' },
    ],
    [
      { name: 'db', address: '10.0.0.2' },
      { name: 'db', address: '10.0.0.1' },
    ],
  ],
};

/** What the executor is told, and the input that it comes from: a new one does not compile before that is decided. */
const EXECUTOR: { readonly [K in keyof Required<RunSpec>]: keyof RunRequest | keyof RunLimits | 'never in a build' } = {
  argv: 'argv',
  env: 'environment',
  cwd: 'workingDirectory',
  user: 'user',
  root: 'parent',
  files: 'hosts',
  mounts: 'mounts',
  secretEnv: 'mounts',
  shmSize: 'shmSize',
  limits: 'limits',
  network: 'network',
  hostname: 'hostname',
  terminal: 'never in a build',
  capabilities: 'never in a build',
  noNewPrivileges: 'never in a build',
  readOnly: 'never in a build',
  userNamespace: 'platform',
};

const tree = (text: string) => ({ kind: 'context', tree: () => MemoryTree.of(text) }) as const;
type OfKind<K extends MountRequest['kind']> = Extract<MountRequest, { kind: K }>;
/** A mount, and for each of its fields another value or the words of the documentation. */
interface MountCase<K extends MountRequest['kind']> {
  readonly mount: OfKind<K>;
  readonly fields: { readonly [F in Exclude<keyof OfKind<K>, 'kind'>]: Input<OfKind<K>[F]> };
}
const access = { mode: { other: 0o444 }, uid: { other: 7 }, gid: { other: 7 } };
const MOUNTS: { readonly [K in MountRequest['kind']]: MountCase<K> } = {
  bind: {
    mount: { kind: 'bind', target: '/m', from: tree('dir d\nfile d/f 1'), source: 'd', readOnly: true },
    fields: {
      target: { other: '/n' },
      from: { other: tree('dir d\nfile d/f 2') },
      source: { other: 'd/f' },
      readOnly: { other: false },
    },
  },
  cache: {
    mount: {
      kind: 'cache',
      target: '/m',
      namespace: 'n',
      id: 'i',
      sharing: 'shared',
      readOnly: false,
      from: undefined,
      source: '',
      mode: undefined,
      uid: undefined,
      gid: undefined,
    },
    fields: {
      target: { other: '/n' },
      readOnly: { other: true },
      ...access,
      namespace: { documented: 'cache mount' },
      id: { documented: 'cache mount' },
      sharing: { documented: 'cache mount' },
      // What it begins with is an input by its content: bind has the same.
      from: { documented: '' },
      source: { documented: '' },
    },
  },
  tmpfs: {
    mount: { kind: 'tmpfs', target: '/m', size: undefined },
    fields: { target: { other: '/n' }, size: { other: 1 } },
  },
  secret: {
    mount: { kind: 'secret', id: 'i', target: '/m', env: undefined, required: false, mode: 0o400, uid: 0, gid: 0 },
    fields: { id: { other: 'j' }, target: { other: '/n' }, env: { other: 'E' }, required: { other: true }, ...access },
  },
  ssh: {
    mount: { kind: 'ssh', id: 'i', target: '/m', required: false, mode: 0o600, uid: 0, gid: 0 },
    fields: { id: { other: 'j' }, target: { other: '/n' }, required: { other: true }, ...access },
  },
  script: {
    mount: { kind: 'script', target: '/m', content: 'a' },
    fields: { target: { other: '/n' }, content: { other: 'b' } },
  },
};

/** Whether another value gives another key, or the documentation names the input. */
async function isDecided(input: Input<unknown>, changed: () => Promise<string>, before: string): Promise<boolean> {
  return 'other' in input ? (await changed()) !== before : DOCUMENT.includes(input.documented);
}

describe("a RUN's key", () => {
  it('has the bytes that it always had where nothing was asked for', async () => {
    expect(await keyText(REQUEST)).toBe(
      `{"definition":{"argv":["/bin/sh","-c","make"],"environment":["PATH=/bin"],"epoch":null,"hostname":"buildkitsandbox",` +
        `"network":"host","platform":"linux/amd64","user":"","workingDirectory":"/"},"format":"tsbuild.key.v1",` +
        `"inputs":[{"id":"${LAYER.digest}","name":"parent"}],"operation":"run"}`,
    );
    const cache = MOUNTS.cache.mount;
    expect(await keyText({ ...REQUEST, mounts: [cache] })).toContain(
      '"mounts":[{"kind":"cache","readOnly":false,"target":"/m"}]',
    );
  });

  it.each(Object.entries(INPUTS))('knows the request: %s', async (field, input) => {
    const changed = async (): Promise<string> =>
      'other' in input ? keyText({ ...REQUEST, [field]: input.other }) : keyText(REQUEST);
    expect(await isDecided(input, changed, await keyText(REQUEST))).toBe(true);
  });

  it.each(Object.entries(LIMITS))('tells apart all that is said of %s', async (field, values) => {
    const texts = values.map((value) => keyText({ ...REQUEST, limits: { ...REQUEST.limits, [field]: value } }));
    expect(new Set(await Promise.all(texts)).size).toBe(values.length);
  });

  it('knows the parent and the epoch', async () => {
    const other: Rootfs = { layers: [{ digest: `sha256:${'2'.repeat(64)}` }] };
    const texts = [HERE, { ...HERE, parent: other }, { ...HERE, epoch: 0 }].map((here) => keyText(REQUEST, here));
    expect(new Set(await Promise.all(texts)).size).toBe(3);
  });

  it.each(
    Object.entries(MOUNTS).flatMap(([kind, { mount, fields }]) =>
      Object.entries(fields).map(([field, input]) => ({ kind, field, mount, input: input as Input<unknown> })),
    ),
  )('knows a mount of type $kind: $field', async ({ field, mount, input }) => {
    const changed = async (): Promise<string> => {
      const other = { ...mount, ...('other' in input ? { [field]: input.other } : {}) } as MountRequest;
      return keyText({ ...REQUEST, mounts: [other] });
    };
    expect(await isDecided(input, changed, await keyText({ ...REQUEST, mounts: [mount] }))).toBe(true);
  });

  it('comes from every input of the executor', () => {
    const known = new Set<string>([...Object.keys(INPUTS), ...Object.keys(LIMITS), 'never in a build']);
    expect(Object.values(EXECUTOR).filter((input) => !known.has(input))).toEqual([]);
    const sources: Record<RunMountSource['kind'], MountRequest['kind']> = {
      tree: 'bind',
      host: 'cache',
      memory: 'secret',
      tmpfs: 'tmpfs',
    };
    expect(Object.keys(MOUNTS)).toEqual(expect.arrayContaining(Object.values(sources)));
    for (const words of ['/etc/resolv.conf', 'value of a secret', '`--isolation`', 'the network']) {
      expect(DOCUMENT).toContain(words);
    }
  });
});
