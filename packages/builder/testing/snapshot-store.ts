import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobInfo, ByteString } from '@tsbuild/oci';
import { DirectoryBlobStore, LayerIndexStore, LayerWriter, RootfsTree } from '@tsbuild/oci/node';
import type { LayerIndex, WrittenLayer } from '@tsbuild/oci/node';
import type { Executor } from '../src/executor/executor.ts';
import { prepareMountPoints } from '../src/executor/mount-points.ts';
import { removeTree } from '../src/disk/remove-tree.ts';
import type { LayerTimes, SnapshotParent, Snapshotter } from '../src/snapshot/snapshotter.ts';
import { busyboxBytes, busyboxLinks, ROOT_DIRECTORIES, ROOT_FILES } from './busybox-root.ts';
import { CapturedOutput } from './captured-output.ts';

/** What is in a layer, one line an entry: type, mode, owner, path, link or size. */
export function describeLayer(index: LayerIndex): readonly string[] {
  return [...index.entries()].map((entry) => {
    const link = entry.linkPath === '' ? '' : ` -> ${entry.linkPath}`;
    const size = entry.type === 'file' ? ` ${entry.size}` : '';
    const attributes = [...(entry.xattrs?.keys() ?? [])].map((name) => ` ${name}`).join('');
    return `${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.path}${link}${size}${attributes}`;
  });
}

/** The whole content of a layer in a short form: `name=content` for files, `name -> target`, `name/`, `!name` for removals. */
export async function layerContent(store: SnapshotStore, layer: BlobInfo): Promise<readonly string[]> {
  const index = await store.indexes.get(layer.digest);
  return [...index.entries()].map((entry) => {
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
    if (name.startsWith('.wh.')) return `!${entry.path.slice(0, entry.path.length - name.length)}${name.slice(4)}`;
    if (entry.type === 'directory') return `${entry.path}/`;
    if (entry.type === 'symlink') return `${entry.path} -> ${entry.linkPath}`;
    if (entry.type === 'hardlink') return `${entry.path} = ${entry.linkPath}`;
    if (entry.type !== 'file') return `${entry.path} (${entry.type})`;
    return `${entry.path}=${store.read(layer, entry.offset, Math.min(entry.size, 40))}`;
  });
}

/** Blobs, indexes and snapshots in a temporary directory. */
export class SnapshotStore implements AsyncDisposable {
  readonly directory: string;
  readonly blobs: DirectoryBlobStore;
  readonly indexes: LayerIndexStore;

  constructor(parent: string = tmpdir()) {
    this.directory = mkdtempSync(join(parent, 'tsbuild-store-'));
    this.blobs = new DirectoryBlobStore(this.directory);
    this.indexes = new LayerIndexStore(join(this.directory, 'indexes'), this.blobs);
  }

  /** Options for a snapshotter on this store. */
  get options() {
    return {
      directory: join(this.directory, 'snapshots'),
      mounts: join(this.directory, 'mounts'),
      blobs: this.blobs,
      indexes: this.indexes,
    };
  }

  async layer(write: (writer: LayerWriter) => void | Promise<void>): Promise<WrittenLayer> {
    const writer = new LayerWriter(await this.blobs.create());
    await write(writer);
    const layer = await writer.finish();
    await this.indexes.put(layer.digest, layer.index);
    return layer;
  }

  /** A small system that runs shell scripts. */
  busyboxLayer(): Promise<WrittenLayer> {
    return this.layer(async (writer) => {
      for (const [path, mode] of ROOT_DIRECTORIES) writer.add({ ...entryOf(path), type: 'directory', mode });
      await addFile(writer, 'bin/busybox', busyboxBytes(), 0o755);
      for (const name of busyboxLinks()) {
        writer.add({ ...entryOf(`bin/${name}`), type: 'symlink', linkPath: 'busybox', mode: 0o777 });
      }
      for (const [path, text] of Object.entries(ROOT_FILES)) await addFile(writer, path, Buffer.from(text));
    });
  }

  async parent(layers: readonly BlobInfo[]): Promise<SnapshotParent> {
    const indexed = await Promise.all(
      layers.map(async (info) => ({ info, index: await this.indexes.get(info.digest) })),
    );
    return { layers: layers.map(({ digest, size }) => ({ digest, size })), tree: new RootfsTree(indexed) };
  }

  /** Runs a script over layers as RUN does, and gives the layer that it made. */
  async run(
    tools: { readonly snapshotter: Snapshotter; readonly executor: Executor },
    layers: readonly BlobInfo[],
    script: string,
    more: {
      readonly times?: LayerTimes;
      readonly keep?: boolean;
      readonly files?: readonly { path: ByteString; source: string }[];
    } = {},
  ): Promise<WrittenLayer & { readonly output: string }> {
    const signal = new AbortController().signal;
    const parent = await this.parent(layers);
    await using snapshot = await tools.snapshotter.prepare(parent, signal);
    const points = prepareMountPoints(parent.tree, snapshot.writable, { files: more.files ?? [] });
    const output = new CapturedOutput();
    try {
      const { exitCode } = await tools.executor.run(
        {
          argv: ['/bin/sh', '-ec', script],
          env: ['PATH=/bin', 'HOME=/root'],
          cwd: '/',
          user: { uid: 0, gid: 0, groups: [0] },
          root: snapshot.root,
          files: points.files,
          network: 'host',
          hostname: 'buildkitsandbox',
        },
        output,
        signal,
      );
      if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${output.out}${output.err}`);
    } finally {
      points.cleanup();
    }
    const layer = await this.layer((writer) => snapshot.writeChanges(writer, more.times ?? {}));
    if (more.keep !== false) await snapshot.keep(layer);
    return { ...layer, output: output.out };
  }

  /** Bytes of a stored layer as text. */
  read(layer: BlobInfo, offset: number, size: number): string {
    const reader = this.blobs.openReader(layer.digest);
    try {
      const bytes = Buffer.alloc(size);
      reader.read(bytes, offset);
      return bytes.toString('latin1');
    } finally {
      reader.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.directory);
  }
}

/** What every entry of a test has: root's, 0644, 2001-09-09. */
export function entryOf(path: ByteString) {
  return { path, mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 1_000_000_000, nanoseconds: 0 } };
}

/** Adds a file with the given bytes. */
export async function addFile(writer: LayerWriter, path: ByteString, content: Uint8Array, mode = 0o644): Promise<void> {
  let at = 0;
  await writer.addFile({ ...entryOf(path), type: 'file', mode, size: content.length }, (buffer) => {
    const piece = content.subarray(at, at + buffer.length);
    buffer.set(piece);
    at += piece.length;
    return piece.length;
  });
}
