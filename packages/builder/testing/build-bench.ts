import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatPlatform, parseReference } from '@tsbuild/oci';
import { hostPlatform, LayerWriter } from '@tsbuild/oci/node';
import { build } from '../src/build/build.ts';
import type { BuildOptions, BuildResult } from '../src/build/build-options.ts';
import { prepareProcess } from '../src/executor/prepare-process.ts';
import type { ProgressEvent } from '../src/progress/event.ts';
import { removeTree } from '../src/disk/remove-tree.ts';
import { isStoreName } from '../src/disk/store-paths.ts';
import { Store } from '../src/store/store.ts';
import { busyboxBytes, busyboxLinks, ROOT_DIRECTORIES, ROOT_FILES } from './busybox-root.ts';
import { addFile, entryOf } from './snapshot-store.ts';

/** What a build in a {@link BuildBench} gave. */
export interface BenchBuild extends BuildResult {
  /** What the commands wrote, both streams. */
  readonly output: string;
  /** All events as JSON, one a line: what progress shows, logs and records know no more. */
  readonly events: string;
  /** The last layer: `path/`, `path=content`, `path -> target`, `!removed`. */
  readonly layer: readonly string[];
}

/** Whole builds in a store of their own that has the image `busybox`. */
export class BuildBench implements AsyncDisposable {
  readonly directory: string;
  readonly store: Store;

  private constructor(directory: string, store: Store) {
    this.directory = directory;
    this.store = store;
  }

  static async make(parent: string = tmpdir()): Promise<BuildBench> {
    const directory = mkdtempSync(join(parent, 'tsbuild-bench-'));
    const bench = new BuildBench(directory, await Store.open(join(directory, 'store')));
    await bench.#addBusybox();
    return bench;
  }

  /** Writes files below a fresh directory of the bench, e.g. a context. */
  files(name: string, files: Readonly<Record<string, string>>): string {
    const root = join(this.directory, name);
    mkdirSync(root, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }

  /** Builds a Dockerfile; `context` is a directory, by default an empty one. */
  async build(
    dockerfile: string,
    options: Partial<BuildOptions> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<BenchBuild> {
    const file = join(mkdtempSync(join(this.directory, 'file-')), 'Dockerfile');
    writeFileSync(file, dockerfile);
    return this.buildIn(this.files('empty', {}), { dockerfile: file, ...options }, signal);
  }

  /** Builds the Dockerfile that the context brings. */
  async buildIn(
    context: BuildOptions['context'],
    options: Partial<BuildOptions> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<BenchBuild> {
    const events: ProgressEvent[] = [];
    let output = '';
    const reporter = {
      report: (event: ProgressEvent): void => {
        events.push(event);
        if (event.type === 'step-output') output += Buffer.from(event.chunk).toString();
      },
    };
    const result = await build(
      {
        context,
        tags: [],
        buildArgs: new Map(),
        environment: {},
        pull: false,
        registry: {},
        noCache: false,
        network: 'none',
        isolation: 'namespaces',
        beforeCommands: () => prepareProcess('namespaces'),
        labels: new Map(),
        ...options,
      },
      this.store,
      reporter,
      signal,
    );
    const text = events.map((event) => JSON.stringify(event)).join('\n');
    return { ...result, output, events: text, layer: await this.#lastLayer(result) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const strangers = readdirSync(this.store.root).filter((name) => !isStoreName(name));
    await removeTree(this.directory);
    if (strangers.length > 0) throw new Error(`store-paths.ts does not name ${strangers.join(', ')}`);
  }

  async #addBusybox(): Promise<void> {
    const writer = new LayerWriter(await this.store.layout.blobs.create());
    for (const [path, mode] of ROOT_DIRECTORIES) writer.add({ ...entryOf(path), type: 'directory', mode });
    await addFile(writer, 'bin/busybox', busyboxBytes(), 0o755);
    for (const name of busyboxLinks()) {
      writer.add({ ...entryOf(`bin/${name}`), type: 'symlink', linkPath: 'busybox', mode: 0o777 });
    }
    for (const [path, text] of Object.entries(ROOT_FILES)) await addFile(writer, path, Buffer.from(text));
    const layer = await writer.finish();
    await this.store.indexes.put(layer.digest, layer.index);
    const [os = '', architecture = ''] = formatPlatform(hostPlatform()).split('/');
    const config = {
      os,
      architecture,
      config: { Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    };
    const mediaType = 'application/vnd.oci.image.layer.v1.tar';
    await this.store.layout.add(
      { config: Buffer.from(JSON.stringify(config)), layers: [{ mediaType, digest: layer.digest, size: layer.size }] },
      [parseReference('busybox')],
    );
  }

  async #lastLayer({ image }: BuildResult): Promise<readonly string[]> {
    const digest = image.layers.at(-1)?.digest;
    // Of a build that shares its cache, a layer that nothing has needed yet is elsewhere.
    if (digest === undefined || (await this.store.layout.blobs.has(digest)) === undefined) return [];
    const index = await this.store.indexes.get(digest);
    const reader = this.store.layout.blobs.openReader(digest);
    try {
      return [...index.entries()].map((entry) => {
        const [, parent = '', removed] = /^(.*\/)?\.wh\.([^/]+)$/.exec(entry.path) ?? [];
        if (removed !== undefined) return `!${parent}${removed}`;
        if (entry.type === 'directory') return `${entry.path}/`;
        if (entry.type === 'symlink' || entry.type === 'hardlink') return `${entry.path} -> ${entry.linkPath}`;
        const bytes = Buffer.alloc(Math.min(entry.size, 200));
        reader.read(bytes, entry.offset);
        return `${entry.path}=${bytes.toString('latin1')}`;
      });
    } finally {
      reader.close();
    }
  }
}
