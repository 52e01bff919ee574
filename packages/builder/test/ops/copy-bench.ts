import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteString, type Digest, MemoryBlobStore } from '@tsbuild/oci';
import { type LayerEntry, LayerIndexStore, LayerWriter } from '@tsbuild/oci/node';
import { cacheKey, type KeyPreimage } from '../../src/cache/cache-key.ts';
import { ArchiveIndexes } from '../../src/ops/add/archive-indexes.ts';
import { copyStep } from '../../src/ops/copy/copy.ts';
import type { CopyMemory } from '../../src/ops/copy/copy-memory.ts';
import type { CopySource } from '../../src/ops/copy/copy-request.ts';
import { parseModeChange } from '../../src/ops/copy/file-mode.ts';
import type { GitCheckouts, RemoteFiles } from '../../src/ops/add/remote-sources.ts';
import { EMPTY_ROOTFS, type LayerOutput, type Rootfs } from '../../src/ops/rootfs.ts';
import { RootfsTrees } from '../../src/ops/rootfs-trees.ts';
import type { SourceTree } from '../../src/context/source-tree.ts';
import type { PreparedStep, StepContext, Vertex } from '../../src/solver/vertex.ts';
import { type DescribedEntry, describeTree } from '../../testing/tree-description.ts';
import { localLayers } from '../../testing/local-layers.ts';
import { noMounts } from '../../testing/no-mounts.ts';
import { MemoryTree } from '../../testing/memory-tree.ts';

const RANGE = { start: { line: 1, column: 0 }, end: { line: 1, column: 4 } };

export interface CopyCase {
  /** Patterns, or whole sources. */
  readonly sources?: readonly (string | CopySource)[];
  /** ADD: files that are archives are taken apart. */
  readonly unpack?: boolean;
  readonly excludes?: readonly string[];
  readonly parents?: boolean;
  readonly link?: boolean;
  readonly destination?: string;
  readonly workingDirectory?: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly epoch?: number;
  readonly ignoreCache?: boolean;
  /** COPY --from: the tree is a stage's. */
  readonly fromStage?: Rootfs;
}

/** COPY over blobs in memory: descriptions of trees in, lines of a layer out. */
export class CopyBench {
  readonly blobs = new MemoryBlobStore();
  readonly indexes = new LayerIndexStore(mkdtempSync(join(tmpdir(), 'tsbuild-copy-')), this.blobs);
  readonly layers = localLayers(this.blobs, this.indexes);
  readonly trees = new RootfsTrees(this.indexes, this.layers);
  readonly notices: string[] = [];
  readonly temporary = mkdtempSync(join(tmpdir(), 'tsbuild-copy-'));
  /** What earlier copies are remembered by; none unless a test sets it. */
  memory: CopyMemory | undefined;
  downloads: RemoteFiles = { resolve: unreachable, ensure: unreachable };
  repositories: GitCheckouts = { resolve: unreachable };

  /** A filesystem of one layer from a description (see `describeTree`). */
  async rootfs(description: string): Promise<Rootfs> {
    const writer = new LayerWriter(await this.blobs.create());
    for (const entry of describeTree(description)) await addDescribed(writer, entry);
    const layer = await writer.finish();
    await this.trees.remember(layer.digest, layer.index);
    return { layers: [{ digest: layer.digest }] };
  }

  async prepareStep(
    source: SourceTree,
    parent: Rootfs,
    options: CopyCase,
  ): Promise<{ prepared: PreparedStep<LayerOutput>; execute: () => Promise<LayerOutput> }> {
    const constant = (value: Rootfs): Vertex<Rootfs, LayerOutput> => ({ kind: 'constant', value });
    const { fromStage } = options;
    const step = copyStep(
      {
        id: 'copy',
        range: RANGE,
        parent: constant(parent),
        from:
          fromStage === undefined
            ? { kind: 'context', tree: () => source }
            : { kind: 'stage', rootfs: constant(fromStage) },
        sources: (options.sources ?? ['.']).map(
          (item): CopySource =>
            typeof item === 'string' ? { kind: 'paths', pattern: item, unpack: options.unpack ?? false } : item,
        ),
        destination: options.destination ?? '/',
        workingDirectory: options.workingDirectory ?? '/',
        chown: options.chown,
        chmod:
          options.chmod === undefined ? undefined : { text: options.chmod, change: parseModeChange(options.chmod) },
        excludes: options.excludes ?? [],
        parents: options.parents ?? false,
        link: options.link ?? false,
        ignoreCache: options.ignoreCache ?? false,
      },
      {
        ...(this.memory && { copyMemory: this.memory }),
        blobs: this.blobs,
        trees: this.trees,
        layers: this.layers,
        archives: {
          indexes: new ArchiveIndexes(join(this.temporary, 'archives')),
          temporary: join(this.temporary, 'tmp'),
        },
        downloads: this.downloads,
        repositories: this.repositories,
        mounts: noMounts(),
        sandbox: () => Promise.reject(new Error('COPY needs no sandbox')),
        epoch: options.epoch,
      },
    );
    const context = this.#context();
    const prepared = await step.prepare(fromStage === undefined ? [parent] : [parent, fromStage], context);
    return { prepared, execute: () => prepared.execute(context) };
  }

  async key(description: string | SourceTree, parent: Rootfs = EMPTY_ROOTFS, options: CopyCase = {}): Promise<Digest> {
    return cacheKey(await this.preimage(description, parent, options));
  }

  async preimage(
    description: string | SourceTree,
    parent: Rootfs = EMPTY_ROOTFS,
    options: CopyCase = {},
  ): Promise<KeyPreimage> {
    const tree = typeof description === 'string' ? MemoryTree.of(description) : description;
    const { prepared } = await this.prepareStep(tree, parent, options);
    await prepared.discard();
    return prepared.preimage;
  }

  /** Copies and lists the layer: `type mode uid:gid path[ -> link][ text]`. */
  async copy(
    description: string | SourceTree,
    parent: Rootfs = EMPTY_ROOTFS,
    options: CopyCase = {},
  ): Promise<string[]> {
    const tree = typeof description === 'string' ? MemoryTree.of(description) : description;
    return (await this.layer(tree, parent, options)).map((entry) => this.#line(entry));
  }

  async layer(source: SourceTree, parent: Rootfs = EMPTY_ROOTFS, options: CopyCase = {}): Promise<LayerEntry[]> {
    const { execute } = await this.prepareStep(source, parent, options);
    const { layer } = await execute();
    return [...(await this.index(layer.digest))];
  }

  async index(layer: Digest): Promise<Iterable<LayerEntry>> {
    return (await new LayerIndexStore(mkdtempSync(join(tmpdir(), 'tsbuild-copy-')), this.blobs).get(layer)).entries();
  }

  #line(entry: LayerEntry): string {
    const { type, mode, uid, gid, path, linkPath } = entry;
    const link = linkPath === '' ? '' : ` -> ${linkPath}`;
    return `${type} ${mode.toString(8)} ${uid}:${gid} ${path satisfies ByteString}${link}`;
  }

  #context(): StepContext {
    return {
      signal: new AbortController().signal,
      output: () => {},
      notice: (message) => this.notices.push(message),
    };
  }
}

async function addDescribed(writer: LayerWriter, entry: DescribedEntry): Promise<void> {
  const { path, mode, target } = entry;
  const type = entry.type === 'socket' ? 'fifo' : entry.type;
  const plain = { path, type, mode, uid: 0, gid: 0, mtime: { seconds: entry.mtime, nanoseconds: 0 } };
  if (type !== 'file') {
    writer.add(type === 'symlink' ? { ...plain, linkPath: target } : plain);
    return;
  }
  const bytes = Buffer.from(entry.text);
  let at = 0;
  await writer.addFile({ ...plain, size: bytes.length }, (buffer) => {
    const count = bytes.copy(buffer, 0, at);
    at += count;
    return count;
  });
}

function unreachable(): Promise<never> {
  return Promise.reject(new Error('nothing here is on the net'));
}
