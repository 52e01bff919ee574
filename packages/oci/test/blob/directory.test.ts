import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { asOrdinaryUser } from '../../testing/as-ordinary-user.ts';
import { DirectoryBlobStore } from '../../src/blob/directory.ts';
import { sha256Digest } from '../../src/spec/digest.ts';
import { blobStoreContract } from '../../testing/blob-store-contract.ts';

const scratch = await mkdtemp(join(tmpdir(), 'tsbuild-blobs-'));
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function freshStore(): Promise<DirectoryBlobStore> {
  return new DirectoryBlobStore(await mkdtemp(join(scratch, 'store-')));
}

blobStoreContract('DirectoryBlobStore', async () => {
  const store = await freshStore();
  return { store, damage: (digest, bytes) => writeFile(store.path(digest), bytes) };
});

describe('DirectoryBlobStore', () => {
  let store: DirectoryBlobStore;
  beforeEach(async () => {
    store = await freshStore();
  });
  const hello = Buffer.from('hello');
  const digest = sha256Digest('hello');

  it('keeps blobs where the image layout wants them', async () => {
    await store.put(hello);
    expect((await lstat(join(store.root, 'blobs/sha256', digest.slice(7)))).isFile()).toBe(true);
    expect(await readdir(join(store.root, 'tmp'))).toEqual([]);
  });

  it('keeps a blob of the right size and refreshes its time', async () => {
    await store.put(hello);
    const old = new Date('2001-01-01T00:00:00Z');
    for (const again of [hello, pieces('he', 'llo')]) {
      await utimes(store.path(digest), old, old);
      const before = await lstat(store.path(digest));
      await store.put(again);
      const after = await lstat(store.path(digest));
      expect(after.ino).toBe(before.ino);
      expect(after.mtimeMs).toBeGreaterThan(before.mtimeMs);
    }
  });

  it('replaces a blob of the wrong size, as another tool may have left it', async () => {
    await store.put(hello);
    await writeFile(store.path(digest), 'hel');
    await store.put(pieces('hello'));
    expect(await store.has(digest)).toEqual({ digest, size: 5 });
  });

  it('leaves no temporary file when the content is wrong, the source fails, or the writer is discarded', async () => {
    await expect(store.put(pieces('hello'), { size: 4 })).rejects.toThrow(/5 bytes instead of 4/);
    const writer = await store.create();
    writer.write(hello);
    expect(await readdir(join(store.root, 'tmp'))).toHaveLength(1);
    await writer.discard();
    expect(await readdir(join(store.root, 'tmp'))).toEqual([]);
  });

  it('shows no blob of a process that was killed before its commit', async () => {
    const script = join(scratch, 'writer.mjs');
    const source = join(import.meta.dirname, '../../src/blob/directory.ts');
    await writeFile(
      script,
      `import { DirectoryBlobStore } from ${JSON.stringify(source)};
       const writer = await new DirectoryBlobStore(process.argv[2]).create();
       for (let i = 0; i < 40; i++) writer.write(new Uint8Array(100_000));
       process.stdout.write('written');
       setInterval(() => {}, 1000);`,
    );
    const bundle = join(scratch, 'writer-bundle.mjs');
    execFileSync(join(import.meta.dirname, '../../../../node_modules/.bin/esbuild'), [
      script,
      '--bundle',
      '--platform=node',
      '--format=esm',
      `--outfile=${bundle}`,
      '--log-level=error',
    ]);
    const child = spawn(process.execPath, [bundle, store.root]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(join(store.root, 'tmp'))).toHaveLength(1);
    expect(await readdir(join(store.root, 'blobs/sha256'))).toEqual([]);
    for await (const info of store.list()) expect.unreachable(`${info.digest} is visible`);
  });

  it('does not follow a symlink in place of a blob', async () => {
    const secret = join(scratch, 'secret');
    await writeFile(secret, 'hello');
    await store.put(Buffer.from('other'));
    await symlink(secret, store.path(digest));
    expect(await store.has(digest)).toBeUndefined();
    expect(() => store.openReader(digest)).toThrow(/symbolic link/);
    await expect(read(store)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  it('does not follow a symlink in place of the folder of blobs', async () => {
    await store.put(hello);
    await rename(join(store.root, 'blobs'), join(store.root, 'elsewhere'));
    await symlink('elsewhere', join(store.root, 'blobs'));
    const again = new DirectoryBlobStore(store.root);
    await expect(read(again)).rejects.toThrow(/symbolic link/);
    await expect(again.put(pieces('new'))).rejects.toThrow(/not a directory/);
  });

  it('refuses a fifo in place of a blob without waiting for it', async () => {
    await store.put(Buffer.from('other'));
    execFileSync('mkfifo', [store.path(digest)]);
    await expect(read(store)).rejects.toThrow(/not a regular file/);
  });

  it('ignores files that are not named after a digest', async () => {
    await store.put(hello);
    await writeFile(join(store.root, 'blobs/sha256/README'), 'x');
    const found = [];
    for await (const info of store.list()) found.push(info.digest);
    expect(found).toEqual([digest]);
  });

  async function read(from: DirectoryBlobStore): Promise<void> {
    for await (const chunk of from.open(digest)) void chunk;
  }
});

describe('DirectoryBlobStore on a store that cannot be written', () => {
  it('says so when the root is below a file', async () => {
    const file = join(scratch, 'file');
    await writeFile(file, '');
    const put = new DirectoryBlobStore(join(file, 'store')).put(Buffer.from('x'));
    await expect(put).rejects.toMatchObject({ code: 'STORE_UNWRITABLE', message: expect.stringContaining(file) });
  });

  it('names a folder without permission', async () => {
    const root = await mkdtemp(join(scratch, 'denied-'));
    await chmod(scratch, 0o755);
    await chmod(root, 0o555);
    await asOrdinaryUser(async () => {
      const put = new DirectoryBlobStore(root).put(Buffer.from('x'));
      await expect(put).rejects.toThrow(/permission denied/);
    });
  });

  const mount = mountTmpfs();
  afterAll(() => mount?.unmount());

  it.skipIf(mount === undefined)('names a full disk and leaves no temporary file (needs root to mount)', async () => {
    const root = join(mount?.path ?? '', 'full');
    await mkdir(root);
    const full = new DirectoryBlobStore(root);
    await full.put(Buffer.from('small'));
    const large = pieces('x'.repeat(600_000), 'y'.repeat(1_500_000), 'z'.repeat(2_000_000));
    await expect(full.put(large)).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringMatching(/full\/tmp\/.*no space left on the device; free some/),
    });
    const writer = await full.create();
    expect(() => writer.write(new Uint8Array(3_000_000).fill(1))).toThrow(/no space left/);
    expect(await readdir(join(root, 'tmp'))).toEqual([]);
    expect(await full.has(sha256Digest('small'))).toBeDefined();
  });

  it.skipIf(mount === undefined)('names a read-only file system (needs root to mount)', async () => {
    const root = join(mount?.path ?? '', 'readonly');
    const fixed = new DirectoryBlobStore(root);
    await fixed.put(Buffer.from('kept'));
    mount?.readOnly();
    await expect(fixed.put(Buffer.from('new'))).rejects.toThrow(/is read-only/);
    await expect(new DirectoryBlobStore(root).put(Buffer.from('new'))).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
    });
    expect(await fixed.put(Buffer.from('kept'))).toMatchObject({ size: 4 });
  });
});

interface Mount {
  readonly path: string;
  readOnly(): void;
  unmount(): void;
}

function mountTmpfs(): Mount | undefined {
  const path = join(scratch, 'tmpfs');
  try {
    execFileSync('mkdir', [path]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return {
    path,
    readOnly: () => execFileSync('mount', ['-o', 'remount,ro', path]),
    unmount: () => execFileSync('umount', [path]),
  };
}

async function* pieces(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}
