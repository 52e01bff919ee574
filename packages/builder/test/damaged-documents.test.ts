import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { sha256Digest } from '@tsbuild/oci';
import { writeFileAtomic } from '@tsbuild/oci/internal';
import { Container } from '../src/container-state/container.ts';
import { readState, writeState } from '../src/container-state/container-state.ts';
import { ContainerStore } from '../src/container-state/container-store.ts';
import { VolumeStore } from '../src/container-state/volume-store.ts';
import { readKept, writeKept } from '../src/disk/kept-file.ts';
import { RemoteRecords } from '../src/source/remote-records.ts';
import { checkStore } from '../src/fsck/store-check.ts';
import { Store } from '../src/store/store.ts';

/*
 * Small documents of a store, after a power cut or by a bad disk: no JSON, JSON of another shape, the right shape with
 * another value. Each is as good as none, and nothing fails.
 */
const directory = mkdtempSync(join(tmpdir(), 'tsbuild-damaged-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(directory, 'root-'));
});

const DIGEST = sha256Digest('x');
const DESCRIPTOR = { mediaType: 'application/x', digest: DIGEST, size: 1 };

/** What a file of JSON may hold in its place. */
function damages(text: string): string[] {
  const document = JSON.parse(text) as Record<string, unknown>;
  const { checksum: _seal, ...plain } = document;
  const shapes = Object.keys(plain).flatMap((name) =>
    [null, 5, [], {}, 'x'].map((value) => JSON.stringify({ ...plain, [name]: value })),
  );
  const changed = text.replace(/\d(?=\D*\d*\D*$)/, (digit) => String((Number(digit) + 1) % 10));
  return ['', '{', 'null', '5', '[]', '{}', '"x"', text.slice(0, -9), changed, ...shapes];
}

it('what is known of images elsewhere', async () => {
  const remotes = new RemoteRecords(join(root, 'remotes'));
  const image = { name: 'a', platform: 'b', digest: DIGEST, manifest: DESCRIPTOR, config: DESCRIPTOR, resolved: 1 };
  await remotes.putImage(image);
  await remotes.putLayer(DIGEST, { registry: 'r', repository: 'r', descriptor: DESCRIPTOR });
  expect(await remotes.image('a', 'b')).toEqual(image);
  const [name = ''] = readdirSync(join(root, 'remotes/images'));
  const path = join(root, 'remotes/images', name);
  // An earlier version wrote no checksum.
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, JSON.stringify(image));
  expect(await remotes.image('a', 'b')).toEqual(image);
  for (const damaged of damages(text)) {
    writeFileSync(path, damaged);
    // A text in place of another is no damage that a document without a checksum could show.
    const found: unknown[] = [];
    for await (const each of remotes.images()) found.push(each.image.platform);
    expect(
      found.every((platform) => typeof platform === 'string'),
      damaged,
    ).toBe(true);
  }
  const layer = join(root, 'remotes/layers', `${DIGEST.slice(7)}.json`);
  for (const damaged of damages(readFileSync(layer, 'utf8')).filter((each) => !each.includes('"x"'))) {
    writeFileSync(layer, damaged);
    expect(await remotes.layer(DIGEST), damaged).toBeUndefined();
  }
});

it('explanations', () => {
  const path = join(root, 'explain/x.json');
  writeKept(path, { version: 1, steps: [] });
  expect(readKept(path, () => true)).toEqual({ version: 1, steps: [] });
  for (const damaged of damages(readFileSync(path, 'utf8'))) {
    writeFileSync(path, damaged);
    expect(
      readKept(path, () => true),
      damaged,
    ).toBeUndefined();
  }
});

it('the state of a container', async () => {
  const path = join(root, 'state.json');
  await writeState(path, { status: 'exited', exitCode: 3, startedAt: 'x', finishedAt: 'x', error: '' });
  const text = readFileSync(path, 'utf8');
  expect(readState(path)).toMatchObject({ status: 'exited', exitCode: 3 });
  for (const damaged of damages(text)) {
    writeFileSync(path, damaged);
    const { status, exitCode, error } = readState(path);
    expect([status, typeof exitCode, typeof error], damaged).toEqual(['exited', 'number', 'string']);
  }
});

it('a container, which fsck names', async () => {
  const store = await Store.open(root);
  const id = '1'.repeat(64);
  const at = join(root, 'containers', id);
  mkdirSync(at, { recursive: true });
  const image = { id: DIGEST, manifest: DIGEST, layers: [], name: 'i', platform: 'p' };
  const config = { version: 1, id, name: 'n', created: 'c', image, config: {}, argv: [], ports: [], mounts: [] };
  await Container.write(at, config as unknown as Container['config']);
  expect(new ContainerStore(root).list().map((each) => each.id)).toEqual([id]);
  expect((await checkStore(root, {}, new AbortController().signal)).findings).toEqual([]);
  for (const damaged of damages(readFileSync(join(at, 'config.json'), 'utf8')).slice(0, 9)) {
    writeFileSync(join(at, 'config.json'), damaged);
    expect(new ContainerStore(root).list(), damaged).toEqual([]);
    await store.collect();
    const { findings } = await checkStore(root, {}, new AbortController().signal);
    expect(findings).toMatchObject([{ severity: 'damaged', kind: 'container', path: `containers/${id}/config.json` }]);
  }
});

it('a volume, whose files stay', async () => {
  const volumes = new VolumeStore(root);
  const { data } = await volumes.ensure('kept');
  writeFileSync(join(data, 'file'), 'precious');
  const path = join(root, 'volumes/kept/volume.json');
  for (const damaged of damages(readFileSync(path, 'utf8'))) {
    await writeFileAtomic(path, damaged);
    expect(
      volumes.list().map(({ config }) => config.name),
      damaged,
    ).toEqual(['kept']);
    expect((await volumes.ensure('kept')).data).toBe(data);
  }
});
