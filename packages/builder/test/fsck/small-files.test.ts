import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Digest } from '@tsbuild/oci';
import { Container } from '../../src/container-state/container.ts';
import { VolumeStore } from '../../src/container-state/volume-store.ts';
import { encodeTable } from '../../src/context/stat-cache-file.ts';
import { removeTree } from '../../src/disk/remove-tree.ts';
import { StepIndex } from '../../src/explain/step-index.ts';
import { checkStore } from '../../src/fsck/store-check.ts';
import { keepFindings } from '../../src/lint/layers/kept-findings.ts';
import { KeptPackages } from '../../src/packages/kept-packages.ts';
import { CacheMounts } from '../../src/mounts/cache-mounts.ts';
import { commitRecords } from '../../src/source/git-source.ts';
import { webRecords } from '../../src/source/http-source.ts';
import { Store } from '../../src/store/store.ts';

let store: Store;
beforeEach(async () => {
  store = await Store.open(join(mkdtempSync(join(tmpdir(), 'tsbuild-small-')), 'store'));
});
afterEach(() => removeTree(join(store.root, '..')));

const signal = new AbortController().signal;
const DIGEST = sha256Digest('x');
const DESCRIPTOR = { mediaType: 'application/x', digest: DIGEST, size: 1 };
const fsck = async (repair = false): Promise<readonly string[]> =>
  (await checkStore(store.root, { repair }, signal)).findings.map(
    ({ kind, path, outcome }) => `${kind} ${path} ${outcome}`,
  );

const packages = (): KeptPackages => new KeptPackages(store.directory('packages'));

/** Makes one file of each format, through its owner. */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  remote: () => store.remotes.putLayer(DIGEST, { registry: 'r', repository: 'r', descriptor: DESCRIPTOR }),
  'remote image': async () => {
    const [manifest, config] = [
      await store.layout.blobs.put(Buffer.from('m')),
      await store.layout.blobs.put(Buffer.from('c')),
    ];
    const facts = { name: 'a', platform: 'b', digest: DIGEST, resolved: 1 };
    await store.remotes.putImage({
      ...facts,
      manifest: { ...DESCRIPTOR, ...manifest },
      config: { ...DESCRIPTOR, ...config },
    });
  },
  download: () => webRecords(join(store.directory('sources'), 'http')).put('u', { digest: DIGEST, size: 1 } as never),
  commit: () => commitRecords(join(store.directory('sources'), 'git')).put('u', { layer: DIGEST }),
  build: () => store.builds.put({ version: 2, id: '0'.repeat(12), names: [], steps: [], phases: [] } as never),
  'layer packages': () => packages().keepLayer(DIGEST, { sources: [] }),
  'image packages': () => packages().keepInventory([DIGEST], { packages: [], changes: [], gaps: [], programs: [] }),
  check: () => keepFindings(join(store.directory('checks'), 'x.json'), []),
  stage: () =>
    new StepIndex(store.directory('explain'), 'D').rememberStage('s', [
      { operation: 'o', source: 's', keys: [DIGEST] },
    ]),
  text: () =>
    new StepIndex(store.directory('explain'), 'D').rememberText({ operation: 'o', source: 's', keys: [DIGEST] }),
  context: () => {
    mkdirSync(store.directory('stat'));
    writeFileSync(join(store.directory('stat'), '0'.repeat(64)), encodeTable('/c', []));
  },
  'cache mount': async () => {
    const initial = { mode: undefined, uid: undefined, gid: undefined, content: undefined };
    const caches = new CacheMounts(store.directory('cache-mounts'));
    (await caches.acquire({ namespace: '', id: 'c', sharing: 'shared', initial }, async () => {}, signal))[
      Symbol.dispose
    ]();
  },
  volume: () => new VolumeStore(store.root).ensure('kept', { a: 'b' }),
  container: async () => {
    const directory = join(store.directory('containers'), '1'.repeat(64));
    mkdirSync(join(directory, 'l'), { recursive: true });
    const image = { id: DIGEST, manifest: DIGEST, layers: [], name: 'i', platform: 'p' };
    const config = {
      version: 1,
      id: '1'.repeat(64),
      name: 'n',
      created: 'c',
      image,
      config: {},
      argv: [],
      ports: [],
      mounts: [],
    };
    const container = await Container.write(directory, config as never);
    await container.setState({ status: 'exited', exitCode: 0, startedAt: '', finishedAt: '', error: '' });
  },
};

describe('fsck asks the owners of small files', () => {
  it.each([
    ['remote', 'remote', `remotes/layers/${DIGEST.slice(7)}.json`, 'repaired'],
    ['remote image', 'remote', /^remotes\/images\/.*\.json$/, 'repaired'],
    ['download', 'remote', /^sources\/http\/.*\.json$/, 'repaired'],
    ['commit', 'remote', /^sources\/git\/.*\.json$/, 'repaired'],
    ['build', 'remote', /^builds\/[0-9a-f]{16}\/0{12}\.json$/, 'repaired'],
    ['check', 'remote', 'checks/x.json', 'repaired'],
    ['layer packages', 'remote', `packages/layers/${DIGEST.slice(7)}.json`, 'repaired'],
    ['image packages', 'remote', /^packages\/images\/.*\.json$/, 'repaired'],
    ['stage', 'remote', /^explain\/stages\/.*\.json$/, 'repaired'],
    ['text', 'remote', /^explain\/texts\/.*\.json$/, 'repaired'],
    ['context', 'context', `stat/${'0'.repeat(64)}`, 'repaired'],
    ['cache mount', 'cache-mount', /^cache-mounts\/[0-9a-f]{64}\/mount\.json$/, 'repaired'],
    ['volume', 'volume', 'volumes/kept/volume.json', 'repaired'],
    ['container', 'container', `containers/${'1'.repeat(64)}/config.json`, 'lost'],
    ['container', 'container', `containers/${'1'.repeat(64)}/state.json`, 'lost'],
  ] as const)('%s (%s %s)', async (name, kind, place, outcome) => {
    await MAKERS[name]?.();
    expect(await fsck()).toEqual([]);
    const path = fileAt(place);
    const good = readFileSync(join(store.root, path));
    const other = Buffer.from(good);
    other[12] = (other[12] ?? 0) ^ 1;
    const texts = [good.subarray(0, -1), other, ...(kind === 'context' ? [] : ['{}', '5', ''])];
    for (const damaged of texts) {
      writeFileSync(join(store.root, path), damaged);
      expect(await fsck(), String(damaged)).toEqual([`${kind} ${path} found`]);
    }
    expect(await fsck(true)).toEqual([`${kind} ${path} ${outcome}`]);
    expect(await fsck()).toEqual(outcome === 'lost' ? [`${kind} ${path} found`] : []);
  });
});

/** The one file of a store that a place names. */
function fileAt(place: string | RegExp): string {
  if (typeof place === 'string') return place;
  const paths = readdirSync(store.root, { recursive: true, encoding: 'utf8' }).filter((path) => place.test(path));
  expect(paths).toHaveLength(1);
  return paths[0] ?? '';
}
