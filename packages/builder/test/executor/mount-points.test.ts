import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayerWriter } from '@tsbuild/oci/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureDirectory, prepareMountPoints } from '../../src/executor/mount-points.ts';
import { addFile, entryOf, SnapshotStore } from '../../testing/snapshot-store.ts';

describe('mount points', () => {
  let store: SnapshotStore;
  let writable: string;
  beforeEach(() => {
    store = new SnapshotStore();
    writable = mkdtempSync(join(tmpdir(), 'tsbuild-upper-'));
  });
  afterEach(async () => {
    rmSync(writable, { recursive: true, force: true });
    await store[Symbol.asyncDispose]();
  });

  const directory = (path: string, mode = 0o755) => ({ ...entryOf(path), type: 'directory' as const, mode });
  const link = (path: string, linkPath: string) => ({
    ...entryOf(path),
    type: 'symlink' as const,
    linkPath,
    mode: 0o777,
  });
  const treeOf = async (write: (writer: LayerWriter) => void | Promise<void>) =>
    (await store.parent([await store.layer(write)])).tree;
  const listing = () =>
    execFileSync('find', ['.', '-mindepth', '1'], { cwd: writable, encoding: 'utf8' })
      .trim()
      .split('\n')
      .filter(Boolean)
      .toSorted();
  const resolvConf = { files: [{ path: '/etc/resolv.conf', source: '/host/resolv.conf' }] };

  it('makes what is missing and takes it away again', async () => {
    const tree = await treeOf((writer) => writer.add(directory('etc', 0o711)));
    const points = prepareMountPoints(tree, writable, resolvConf);
    expect(points.files).toEqual([{ target: '/etc/resolv.conf', source: '/host/resolv.conf' }]);
    expect(listing()).toEqual(['./dev', './etc', './etc/resolv.conf', './proc', './sys']);
    expect(lstatSync(join(writable, 'etc')).mode & 0o7777).toBe(0o711);
    points.cleanup();
    expect(listing()).toEqual([]);
  });

  it('makes nothing where the image has everything', async () => {
    const tree = await treeOf(async (writer) => {
      for (const name of ['dev', 'etc', 'proc', 'sys']) writer.add(directory(name));
      await addFile(writer, 'etc/resolv.conf', Buffer.from('x'));
    });
    const points = prepareMountPoints(tree, writable, resolvConf);
    expect(listing()).toEqual([]);
    points.cleanup();
  });

  it.each(['proc', 'sys', 'dev'])('refuses a link at /%s (CVE-2019-19921, CVE-2026-41579)', async (name) => {
    const tree = await treeOf((writer) => writer.add(link(name, '/tmp')));
    expect(() => prepareMountPoints(tree, writable, { files: [] })).toThrow(
      `/${name} is a symlink to /tmp, not a directory`,
    );
    expect(listing()).toEqual([]);
  });

  it('follows links of the image inside the root', async () => {
    const tree = await treeOf((writer) => {
      writer.add(directory('etc'));
      writer.add(directory('run'));
      writer.add(link('etc/resolv.conf', '../../../run/up/stub'));
    });
    const points = prepareMountPoints(tree, writable, resolvConf);
    expect(points.files[0]?.target).toBe('/run/up/stub');
    expect(listing()).toEqual(['./dev', './proc', './run', './run/up', './run/up/stub', './sys']);
    points.cleanup();
    expect(listing()).toEqual([]);
  });

  it('refuses a loop and a directory in the place of a file', async () => {
    const loop = await treeOf((writer) => {
      writer.add(directory('etc'));
      writer.add(link('etc/resolv.conf', 'resolv.conf'));
    });
    expect(() => prepareMountPoints(loop, writable, resolvConf)).toThrow(/loop/);
    const inTheWay = await treeOf((writer) => {
      writer.add(directory('etc'));
      writer.add(directory('etc/resolv.conf'));
    });
    expect(() => prepareMountPoints(inTheWay, writable, resolvConf)).toThrow(
      '/etc/resolv.conf is a directory, not a file',
    );
    expect(listing()).toEqual([]);
  });

  it('never follows links that the command made (CVE-2024-23652)', async () => {
    const canary = mkdtempSync(join(tmpdir(), 'tsbuild-canary-'));
    mkdirSync(join(canary, 'b'));
    writeFileSync(join(canary, 'b/c'), '');
    const tree = await treeOf(() => {});
    const points = prepareMountPoints(tree, writable, { files: [{ path: '/a/b/c', source: '/x' }] });
    renameSync(join(writable, 'a'), join(writable, 'moved'));
    symlinkSync(canary, join(writable, 'a'));
    points.cleanup();
    expect(statSync(join(canary, 'b/c')).size).toBe(0);
    expect(listing()).toEqual(['./a', './moved', './moved/b', './moved/b/c']);
    rmSync(canary, { recursive: true });
  });

  it('leaves what the command changed, and gives its directories their times back', async () => {
    const tree = await treeOf((writer) => writer.add(directory('etc')));
    const points = prepareMountPoints(tree, writable, {
      files: [...resolvConf.files, { path: '/etc/hosts', source: '/x' }, { path: '/new/file', source: '/x' }],
    });
    writeFileSync(join(writable, 'etc/hosts'), 'written');
    writeFileSync(join(writable, 'new/mine'), '');
    utimesSync(join(writable, 'etc'), 1000, 1000);
    points.cleanup();
    expect(listing()).toEqual(['./etc', './etc/hosts', './new', './new/mine']);
    expect(statSync(join(writable, 'etc')).mtimeMs).toBe(1_000_000);
    expect(readdirSync(join(writable, 'new'))).toEqual(['mine']);
  });

  it('makes a working directory that stays', async () => {
    const tree = await treeOf((writer) => {
      writer.add(directory('srv', 0o700));
      writer.add(link('app', 'srv/app'));
    });
    ensureDirectory(tree, writable, '/srv');
    expect(listing()).toEqual([]);
    ensureDirectory(tree, writable, '/app/x/');
    expect(listing()).toEqual(['./srv', './srv/app', './srv/app/x']);
    expect(lstatSync(join(writable, 'srv')).mode & 0o777).toBe(0o700);
    expect(() => ensureDirectory(tree, writable, '/proc/self/fd/8')).toThrow('/proc/self/fd/8');
  });
});
