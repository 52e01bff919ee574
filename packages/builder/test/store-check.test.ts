import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { temporaryPath } from '@tsbuild/oci/internal';
import { Layout } from '@tsbuild/oci/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkStore, type CheckStoreOptions } from '../src/fsck/store-check.ts';
import { sweepLitter } from '../src/store/store-litter.ts';
import { BuildBench } from '../testing/build-bench.ts';
import { NO_SANDBOX } from '../testing/busybox-root.ts';
import { leftByTheDead } from '../testing/left-by-the-dead.ts';

const TEXT = `FROM busybox AS one
RUN --mount=type=cache,id=apt,target=/c echo kept >/c/f; seq 5000 >/numbers
FROM busybox
COPY --from=one /numbers /n
RUN seq 9000 >/more; rm /n
`;
const signal = new AbortController().signal;

describe.skipIf(NO_SANDBOX !== '')(`a store is checked${NO_SANDBOX}`, () => {
  let bench: BuildBench;
  let root: string;
  beforeEach(async () => {
    bench = await BuildBench.make();
    root = bench.store.root;
    await bench.build(TEXT, { tags: ['app'] });
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const fsck = async (options: CheckStoreOptions = {}): Promise<readonly string[]> =>
    (await checkStore(root, options, signal)).findings.map(
      ({ severity, outcome, path, message }) => `${severity} ${outcome} ${path}: ${message}`,
    );
  const files = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .toSorted();
  const flip = (path: string): void => {
    const bytes = readFileSync(join(root, path));
    // What a record says of its origin only explains misses, and nothing vouches for it; its key is at its beginning.
    const at = path.endsWith('.json') ? 40 : Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(join(root, path), bytes);
  };
  const layerBlobs = async (): Promise<string[]> =>
    (await bench.store.layout.resolve('app')).layers.map(({ digest }) => `blobs/sha256/${digest.slice(7)}`);

  it('that is whole has no finding, also while a build works in it', async () => {
    expect(await fsck()).toEqual([]);
    await using _lease = await bench.store.layout.lease();
    writeFileSync(temporaryPath(join(root, 'tmp'), 'blob'), 'half');
    expect(await checkStore(root, {}, signal)).toMatchObject({ findings: [], images: 2, records: 3, cacheMounts: 1 });
  });

  it('one flipped bit in any file that matters is found, and told by the file', async () => {
    const own = ['blobs', 'indexes', 'records', 'snapshots'].flatMap((folder) => files(folder));
    // Empty files and those that only count uses have no bit to flip; a hard link is looked at under one of its names.
    const chosen = own.filter(
      (path) =>
        !path.endsWith('.uses') && lstatSync(join(root, path)).nlink === 1 && lstatSync(join(root, path)).size > 0,
    );
    expect(chosen.length).toBeGreaterThan(20);
    for (const path of chosen) {
      flip(path);
      const place = path.startsWith('snapshots/') ? path.split('/').slice(0, 2).join('/') : path;
      expect(
        (await fsck()).filter((line) => line.startsWith(`damaged found ${place}: `)),
        path,
      ).toHaveLength(1);
      flip(path);
    }
    expect(await fsck()).toEqual([]);
  });

  it('damage is mended as far as it goes; a build brings the rest back', async () => {
    const before = (await bench.store.layout.resolve('app')).id;
    const [, copied = '', ran = ''] = await layerBlobs();
    flip(copied);
    rmSync(join(root, ran));
    const [index = ''] = files('indexes');
    flip(index);
    const found = await fsck({ repair: true });
    expect(found).toContainEqual(
      expect.stringMatching(new RegExp(`^damaged repaired ${copied}: its content has the digest`)),
    );
    expect(found).toContainEqual(
      expect.stringMatching(/^damaged lost index.json: image .*app:latest: its layer sha256:\w+ is damaged$/),
    );
    expect(found.filter((line) => /^damaged repaired records\/.* is (?:missing|damaged)$/.test(line))).toHaveLength(2);
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`^damaged repaired ${index}: `)));
    expect(readdirSync(join(root, 'damaged'))).toEqual([copied.replace('blobs/', '').replace('/', '-')]);
    // Only the image that lost its layers is not whole now.
    expect(await fsck()).toEqual([
      expect.stringMatching(/^damaged found index.json: image .*app:latest: .* is missing$/),
    ]);
    await bench.build(TEXT, { tags: ['app'] });
    const after = await bench.store.layout.resolve('app');
    expect(after.layers).toHaveLength(3);
    expect(before).toMatch(/^sha256:/);
    const left = await fsck({ repair: true, removeImages: true });
    expect(left.every((line) => line.startsWith('damaged repaired index.json: image '))).toBe(true);
    expect(await fsck()).toEqual([]);
    expect((await bench.store.layout.resolve('app')).id).toBe(after.id);
  });

  it('images that lost a part keep their names until they are told to go', async () => {
    const [, copied = ''] = await layerBlobs();
    rmSync(join(root, copied));
    await fsck({ repair: true });
    expect(
      (await bench.store.layout.images()).map(({ names }) => names.map(({ repository }) => repository)),
    ).toHaveLength(2);
    await fsck({ repair: true, removeImages: true });
    expect(
      (await bench.store.layout.images()).flatMap(({ names }) => names.map(({ repository }) => repository)),
    ).toEqual(['library/busybox']);
    expect(await fsck()).toEqual([]);
  });

  it.each(['{"schemaVersion":', ''])(
    'a damaged index.json (%j) is made again: no image is lost, but their names are',
    async (text) => {
      const ids = (await bench.store.layout.images()).map(({ id }) => id).toSorted();
      writeFileSync(join(root, 'index.json'), text);
      expect(await fsck()).toEqual([expect.stringMatching(/^damaged found index.json: /)]);
      expect(await fsck({ repair: true })).toEqual([expect.stringMatching(/^damaged repaired index.json: /)]);
      expect(readFileSync(join(root, 'index.json.damaged'), 'utf8')).toBe(text);
      expect((await (await Layout.open(root)).images()).map(({ id }) => id).toSorted()).toEqual(ids);
      expect(await fsck()).toEqual([]);
    },
  );

  it('what looks like a blob and is none is damage', async () => {
    const [, copied = ''] = await layerBlobs();
    renameSync(join(root, copied), join(root, '../elsewhere'));
    symlinkSync('../../../elsewhere', join(root, copied));
    expect(await fsck({ quick: true })).toContainEqual(`damaged found ${copied}: it is not a regular file`);
  });

  it('layer indexes of another version of tsbuild are no damage: they are made again', async () => {
    const [path = ''] = files('indexes');
    const bytes = readFileSync(join(root, path));
    writeFileSync(join(root, path), Buffer.concat([Buffer.from('tsblidx3'), bytes.subarray(8)]));
    expect(await fsck()).toEqual([]);
    await bench.store.indexes.get(`sha256:${path.slice(-64)}`);
    writeFileSync(join(root, path), Buffer.concat([Buffer.from('tsblidxx'), bytes.subarray(8)]));
    expect(await fsck()).toEqual([expect.stringContaining(`damaged found ${path}`)]);
  });

  it('quick looks at sizes', async () => {
    const [, copied = ''] = await layerBlobs();
    flip(copied);
    expect(await fsck({ quick: true })).toEqual([]);
    writeFileSync(join(root, copied), 'short');
    expect(await fsck({ quick: true })).toContainEqual(expect.stringMatching(/app:latest: its layer \S+ is damaged$/));
  });

  it('an unpacked layer that lacks a file is damage, and is unpacked again', async () => {
    const snapshot =
      readdirSync(join(root, 'snapshots')).find((name) => existsSync(join(root, 'snapshots', name, 'bin/sh'))) ?? '';
    rmSync(join(root, 'snapshots', snapshot, 'bin/sh'));
    expect(await fsck({ quick: true })).toEqual([`damaged found snapshots/${snapshot}: "bin/sh" is missing`]);
    await fsck({ repair: true });
    expect(existsSync(join(root, 'snapshots', snapshot))).toBe(false);
    expect((await bench.build(TEXT, { noCache: true })).steps.cached).toBe(0);
    expect(await fsck()).toEqual([]);
  });

  it('what dead processes left is litter: told of, and removed by a repair and by a prune; the rest is left alone', async () => {
    const leave = (): string[] => {
      mkdirSync(join(root, 'tmp', leftByTheDead('git'), 'deep'), { recursive: true });
      writeFileSync(join(root, 'tmp', leftByTheDead('git'), 'deep/file'), 'x');
      symlinkSync('nowhere', join(root, 'sandbox', leftByTheDead('link')));
      writeFileSync(join(root, 'indexes/sha256', leftByTheDead('index')), 'x');
      mkdirSync(join(root, 'mounts', `999999999-1-${namespace()}-abc/upper`), { recursive: true });
      return [
        `indexes/sha256/${leftByTheDead('index')}`,
        `mounts/999999999-1-${namespace()}-abc`,
        `sandbox/${leftByTheDead('link')}`,
        `tmp/${leftByTheDead('git')}`,
      ];
    };
    const foreign = join(root, 'tmp', `.blob.1-1-00000000-${'0'.repeat(16)}.tmp`);
    writeFileSync(foreign, 'of another machine');
    const left = leave();
    const paths = async (): Promise<string[]> =>
      (await checkStore(root, {}, signal)).findings.map(({ severity, path }) => `${severity} ${path}`).toSorted();
    expect(await paths()).toEqual(left.map((path) => `litter ${path}`));
    await fsck({ repair: true });
    expect(await paths()).toEqual([]);
    leave();
    await sweepLitter(root);
    expect(await paths()).toEqual([]);
    expect(existsSync(foreign)).toBe(true);
  });

  it('a store whose making was cut off is finished by a repair', async () => {
    const begun = join(bench.directory, 'begun');
    await Layout.open(begun, { create: true, private: true });
    rmSync(join(begun, 'oci-layout'));
    for (const cut of [() => undefined, () => rmSync(join(begun, 'index.json'))]) {
      cut();
      const { findings } = await checkStore(begun, {}, signal);
      expect(findings.map(({ severity, path }) => `${severity} ${path}`)).toEqual(['litter oci-layout']);
    }
    await checkStore(begun, { repair: true }, signal);
    expect((await checkStore(begun, {}, signal)).findings).toEqual([]);
    // With blobs in it, names may be lost.
    for (const name of ['oci-layout', 'index.json']) rmSync(join(root, name));
    const severities = (await checkStore(root, { quick: true }, signal)).findings.map(({ severity }) => severity);
    expect(severities).toContain('damaged');
  });

  it('no store, and one of a newer format, are errors and not damage', async () => {
    await expect(checkStore(join(root, 'none'), {}, signal)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
    writeFileSync(join(root, 'store-version'), '99\n');
    await expect(checkStore(root, { repair: true }, signal)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });
});

function namespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
}
