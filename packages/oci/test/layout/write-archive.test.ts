import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { list } from 'tar';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256Digest } from '../../src/spec/digest.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { loadArchive } from '../../src/archive/load-archive.ts';
import type { StoredImage } from '../../src/layout/stored-image.ts';
import { writeArchive, writeArchiveFile } from '../../src/archive/write-archive.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { freshLayout, imageOf, layerTar, scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

const refs = (...names: readonly string[]) => names.map(parseReference);
const shared = layerTar({ 'etc/passwd': 'root:x:0:0::/:/bin/sh\n' });
let layout: Layout;
let app: StoredImage;
let other: StoredImage;
let path: string;
beforeEach(async () => {
  layout = await freshLayout(scratch);
  path = join(layout.root, 'out.tar');
  app = await layout.add(
    await imageOf(layout.blobs, 'app', [shared, layerTar({ app: 'app' })]),
    refs('my-app', 'x.io/b:2'),
  );
  other = await layout.add(await imageOf(layout.blobs, 'other', [shared, layerTar({ other: 'o' })]), refs('other:1'));
});

async function archived(images: readonly StoredImage[], options = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  await writeArchive(images, layout.blobs, (chunk) => void chunks.push(Uint8Array.from(chunk)), options);
  return Buffer.concat(chunks);
}

const tar = (...args: readonly string[]): string => execFileSync('tar', args, { encoding: 'utf8' });

describe('writeArchive()', () => {
  it('writes an OCI layout and a docker-archive in one, as GNU tar reads it', async () => {
    await writeArchiveFile([app], layout.blobs, path);
    const blobs = [app.manifest.digest, app.id, ...app.layers.map((layer) => layer.digest)].toSorted();
    const names = blobs.map((digest) => `blobs/sha256/${digest.slice(7)}`);
    expect(tar('-tf', path).trim().split('\n')).toEqual([
      'blobs/',
      'blobs/sha256/',
      ...names,
      'index.json',
      'manifest.json',
      'oci-layout',
    ]);
    for (const line of tar('--utc', '-tvf', path).trim().split('\n')) {
      expect(line).toMatch(/^(-r--r--r--|drwxr-xr-x) 0\/0 +\d+ 1970-01-01 00:00 /);
    }
    const folder = join(layout.root, 'out');
    await mkdir(folder);
    tar('-xf', path, '-C', folder);
    for (const name of names) expect(sha256Digest(await readFile(join(folder, name)))).toBe(`sha256:${name.slice(13)}`);
    expect(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))).toEqual([
      {
        Config: `blobs/sha256/${app.id.slice(7)}`,
        RepoTags: ['my-app:latest', 'x.io/b:2'],
        Layers: app.layers.map((layer) => `blobs/sha256/${layer.digest.slice(7)}`),
      },
    ]);
    const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
    expect(index.manifests.map((entry: { annotations: object }) => entry.annotations)).toEqual([
      {
        'io.containerd.image.name': 'docker.io/library/my-app:latest',
        'org.opencontainers.image.ref.name': 'latest',
      },
      { 'io.containerd.image.name': 'x.io/b:2', 'org.opencontainers.image.ref.name': '2' },
    ]);
    expect(await readFile(join(folder, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
  });

  it('is read by node-tar without a complaint, and ends in two zero blocks', async () => {
    await writeArchiveFile([app, other], layout.blobs, path);
    const entries: string[] = [];
    await list({ file: path, strict: true, onReadEntry: (entry) => void entries.push(entry.path) });
    expect(entries).toHaveLength(2 + 7 + 3);
    const bytes = await readFile(path);
    expect(bytes.length % 512).toBe(0);
    expect(bytes.subarray(-1024).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(-1536, -1024).every((byte) => byte === 0)).toBe(false);
  });

  it('holds every blob once, whatever images and names share it', async () => {
    const [entries] = [tarNames(await archived([app, other, { ...app, names: refs('again') }]))];
    expect(new Set(entries).size).toBe(entries.length);
    expect(entries.filter((name) => /sha256\/./.test(name))).toHaveLength(7);
    const manifest = JSON.parse(
      fileOf(await archived([app, other, { ...app, names: refs('again') }]), 'manifest.json'),
    );
    expect(manifest.map((image: { RepoTags: unknown }) => image.RepoTags)).toEqual([
      ['again:latest', 'my-app:latest', 'x.io/b:2'],
      ['other:1'],
    ]);
  });

  it('gives the same bytes for the same images', async () => {
    const first = await archived([app, other]);
    expect((await archived([app, other])).equals(first)).toBe(true);
    const copy = await freshLayout(scratch);
    await loadArchive(stream(first), copy);
    const again: Uint8Array[] = [];
    const images = [await copy.resolve('my-app'), await copy.resolve('other:1')];
    await writeArchive(images, copy.blobs, (chunk) => void again.push(Uint8Array.from(chunk)));
    expect(Buffer.concat(again).equals(first)).toBe(true);
  });

  it('says null for an image without tags', async () => {
    const bytes = await archived([{ ...app, names: [] }]);
    expect(JSON.parse(fileOf(bytes, 'manifest.json'))[0].RepoTags).toBeNull();
    expect(JSON.parse(fileOf(bytes, 'index.json')).manifests).toEqual([
      { ...app.manifest, platform: { os: 'linux', architecture: 'amd64' } },
    ]);
  });

  it('leaves out the layers that it is told to, and still names them', async () => {
    const omit = new Set([sha256Digest(shared)]);
    const bytes = await archived([app], { omit });
    expect(tarNames(bytes)).not.toContain(`blobs/sha256/${sha256Digest(shared).slice(7)}`);
    expect(JSON.parse(fileOf(bytes, 'manifest.json'))[0].Layers).toHaveLength(2);
    expect(await loadArchive(stream(bytes), layout)).toMatchObject([{ image: { id: app.id } }]);
    const empty = await freshLayout(scratch);
    await expect(loadArchive(stream(bytes), empty)).rejects.toThrow(/is missing from the archive/);
  });

  it('notices a missing blob before it writes anything', async () => {
    await layout.blobs.delete(app.layers[1]?.digest ?? app.id);
    let written = 0;
    const writing = writeArchive([app], layout.blobs, (chunk) => void (written += chunk.length));
    await expect(writing).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    expect(written).toBe(0);
  });

  it('waits for a slow stream', async () => {
    let pending = 0;
    let most = 0;
    const sink = new Writable({
      highWaterMark: 1,
      write(_chunk, _encoding, done) {
        most = Math.max(most, ++pending);
        setImmediate(() => {
          pending--;
          done();
        });
      },
    });
    await writeArchive([app], layout.blobs, sink);
    expect(most).toBe(1);
    expect(sink.writableLength).toBe(0);
  });

  it('stops when the stream breaks', async () => {
    const broken = new PassThrough();
    broken.destroy(new Error('EPIPE'));
    await expect(writeArchive([app], layout.blobs, broken)).rejects.toThrow(/destroyed|EPIPE/);
    let written = 0;
    const breaking = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => done((written += chunk.length) > 3000 ? new Error('EPIPE') : null),
    });
    await expect(writeArchive([app], layout.blobs, breaking)).rejects.toThrow('EPIPE');
    expect(written).toBeLessThan(10_000);
  });
});

describe('writeArchiveFile()', () => {
  it('replaces a file whole, and keeps the old one when writing fails', async () => {
    await writeFile(path, 'old');
    const layer = app.layers[0]?.digest ?? app.id;
    const bytes = await readFile(layout.blobs.path(layer));
    bytes[600] = (bytes[600] ?? 0) ^ 1;
    await writeFile(layout.blobs.path(layer), bytes);
    await expect(writeArchiveFile([app], layout.blobs, path)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect((await readdir(layout.root)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await writeArchiveFile([{ ...app, layers: [] }], layout.blobs, path);
    expect((await stat(path)).size).toBeGreaterThan(1024);
  });

  it('names the path when it cannot write', async () => {
    const writing = writeArchiveFile([app], layout.blobs, join(layout.root, 'no/such/folder/x.tar'));
    await expect(writing).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringContaining('no/such/folder/x.tar'),
    });
  });

  it('writes into devices instead of replacing them', async () => {
    await symlink('/dev/null', path);
    await writeArchiveFile([app], layout.blobs, path);
    expect((await stat(path)).isCharacterDevice()).toBe(true);
  });
});

describe('outside judges', () => {
  it.skipIf(!has('skopeo'))('skopeo inspects both halves of the archive (needs skopeo)', async () => {
    await writeArchiveFile([app], layout.blobs, path);
    for (const transport of ['docker-archive', 'oci-archive']) {
      const source =
        transport === 'docker-archive' ? `${transport}:${path}:my-app:latest` : `${transport}:${path}:latest`;
      const inspected = JSON.parse(execFileSync('skopeo', ['inspect', source], { encoding: 'utf8' }));
      expect(inspected.Layers).toHaveLength(2);
      expect(inspected.Architecture).toBe('amd64');
    }
  });

  it.skipIf(!has('skopeo'))('skopeo reads the store itself (needs skopeo)', async () => {
    const inspected = JSON.parse(execFileSync('skopeo', ['inspect', `oci:${layout.root}:1`], { encoding: 'utf8' }));
    expect(inspected.Layers).toEqual(other.layers.map((layer) => layer.digest));
  });
});

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}

function tarNames(bytes: Uint8Array): readonly string[] {
  return execFileSync('tar', ['-t'], { input: bytes, encoding: 'utf8' }).trim().split('\n');
}

function fileOf(bytes: Uint8Array, name: string): string {
  return execFileSync('tar', ['-xO', name], { input: bytes, encoding: 'utf8' });
}
