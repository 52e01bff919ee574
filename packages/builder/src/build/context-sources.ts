import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ByteString, type Digest, OciError } from '@tsbuild/oci';
import { isWhiteoutName } from '@tsbuild/oci/internal';
import { RootfsTree, storeLayer } from '@tsbuild/oci/node';
import type { AddSources } from './add-sources.ts';
import { ContextTree } from '../context/context-tree.ts';
import { readIgnoreFile } from '../context/ignore-file.ts';
import { type ContextObserver, ObservedTree } from '../context/observed-tree.ts';
import type { PatternMatcher } from '../context/pattern-matcher.ts';
import type { SourceTree } from '../context/source-tree.ts';
import { StatCache } from '../context/stat-cache.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { mayBeArchive } from '../ops/add/archive.ts';
import { decompressArchive, ProgramMissing } from '../ops/add/archive-programs.ts';
import { type GitReference, parseGitReference, withoutCredentials } from '../ops/add/git-reference.ts';
import { StageTree } from '../ops/copy/stage-tree.ts';
import { peekBytes } from '../source/peek-bytes.ts';
import type { Store } from '../store/store.ts';

/** What a URL or stream turned out to hold: files, or the text of a Dockerfile. */
export type ContextContent =
  | { readonly kind: 'files'; readonly files: SourceTree }
  | { readonly kind: 'text'; readonly text: string };

/** BuildKit reads no larger Dockerfile either. */
const TEXT_LIMIT = 16 * 1024 * 1024;

/** As many bytes as a tar header has. */
const HEAD_BYTES = 512;

/**
 * Opens build contexts, the main one and named ones: directories by the stat cache; archives and repositories as layers of
 * the store, never unpacked. Closed with the build.
 */
export class ContextSources implements Disposable {
  readonly #store: Store;
  readonly #added: AddSources['dependencies'];
  readonly #signal: AbortSignal;
  readonly #observer: ContextObserver | undefined;
  readonly #caches: StatCache[] = [];
  readonly #open: StageTree[] = [];

  constructor(store: Store, added: AddSources, signal: AbortSignal, observer?: ContextObserver) {
    this.#store = store;
    this.#observer = observer;
    this.#added = added.dependencies;
    this.#signal = signal;
  }

  /**
   * A directory (absolute), opened when the first COPY asks: its ignore file is read then, and nothing at all before.
   * `dockerfile` is the path beside which an ignore file of its own may lie.
   * @throws BuildError `CONTEXT_INVALID` when it is none
   */
  directory(root: string, dockerfile: string | undefined): () => SourceTree {
    if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
      throw new BuildError('CONTEXT_INVALID', `the build context ${root} is not a directory`, {
        hint: 'the last argument of build names the directory that COPY reads from, usually `.`',
      });
    }
    let tree: SourceTree | undefined;
    return () => {
      if (tree !== undefined) return tree;
      const name = createHash('sha256').update(root).digest('hex');
      const cache = StatCache.open(root, join(this.#store.directory('stat'), name));
      this.#caches.push(cache);
      const matcher = readIgnoreFile(root, dockerfile)?.matcher;
      tree = this.#observed(root, ContextTree.open(root, matcher, cache), matcher);
      return tree;
    };
  }

  /** @throws BuildError `CONTEXT_INVALID` for an archive that cannot be taken for what it says */
  async stream(bytes: AsyncIterable<Uint8Array>, shown: string): Promise<ContextContent> {
    const { head, all } = await peekBytes(bytes, HEAD_BYTES);
    if (mayBeArchive(head)) return { kind: 'files', files: await this.#archive(head, all, shown) };
    return { kind: 'text', text: await textOf(all, shown) };
  }

  /** @throws BuildError `DOWNLOAD_FAILED`, `GIT_FAILED`, `CONTEXT_INVALID` */
  async url(url: string, keepGitDir: boolean): Promise<ContextContent> {
    const reference = gitReference(url);
    if (reference !== undefined) {
      const kept = keepGitDir ? { ...reference, keepGitDir: reference.keepGitDir ?? true } : reference;
      const checkout = await this.#added.repositories.resolve(kept, this.#signal);
      await checkout.ensure(this.#signal);
      const [layer] = checkout.rootfs.layers;
      if (layer === undefined) throw new BuildError('CONTEXT_INVALID', 'the commit has no files');
      return { kind: 'files', files: await this.#layerTree(layer.digest) };
    }
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      throw new BuildError('CONTEXT_INVALID', `${withoutCredentials(url)} is not the URL of a build context`);
    }
    const { downloads } = this.#added;
    const file = await downloads.resolve(url, undefined, this.#signal);
    await downloads.ensure(url, file, this.#signal);
    const { host, pathname } = new URL(url);
    return this.stream(this.#store.layout.blobs.open(file.digest), `${host}${pathname}`);
  }

  /** No files at all. */
  nothing(): SourceTree {
    return this.#stageTree(new RootfsTree([]));
  }

  /** Keeps the digests learnt for the next build. */
  save(notice: (message: string) => void): void {
    for (const cache of this.#caches) {
      const problem = cache.save();
      if (problem !== undefined) notice(problem.message);
    }
  }

  [Symbol.dispose](): void {
    for (const tree of this.#open) tree.close();
  }

  #observed(root: string, tree: SourceTree, matcher: PatternMatcher | undefined): SourceTree {
    if (this.#observer === undefined) return tree;
    // In what is ignored a `!` pattern may take something back.
    const ignores = (path: ByteString): boolean => matcher?.hasExceptions === false && matcher.matches(path);
    return new ObservedTree(tree, this.#observer.directory(realpathSync(root), ignores));
  }

  /** An archive is stored as the layer that it would be: checked in the pass that writes it, and read from there. */
  async #archive(head: Uint8Array, bytes: AsyncIterable<Uint8Array>, shown: string): Promise<SourceTree> {
    const { blobs } = this.#store.layout;
    try {
      const plain = decompressArchive(head, untilAborted(bytes, this.#signal));
      const { digest } = await storeLayer(plain, blobs, this.#store.indexes, { lowest: true });
      return await this.#layerTree(digest);
    } catch (error) {
      this.#signal.throwIfAborted();
      throw invalidArchive(shown, error);
    }
  }

  async #layerTree(digest: Digest): Promise<SourceTree> {
    const index = await this.#store.indexes.get(digest);
    for (const { path } of index.entries()) {
      // In a layer such names remove others; in a context they would silently do the same.
      if (!path.split('/').some(isWhiteoutName)) continue;
      throw new BuildError(
        'CONTEXT_INVALID',
        `${JSON.stringify(path)}: names that begin with .wh. are reserved for removals`,
      );
    }
    return this.#stageTree(new RootfsTree([{ info: { digest }, index }]));
  }

  #stageTree(files: RootfsTree): SourceTree {
    const tree = new StageTree(files, this.#store.layout.blobs);
    this.#open.push(tree);
    return tree;
  }
}

/** What buildx takes for git beside what ADD does: `github.com/owner/repository`. */
function gitReference(text: string): GitReference | undefined {
  const match = /^github\.com\/([^?#]*?)(?:\.git)?([?#].*)?$/s.exec(text);
  return parseGitReference(match === null ? text : `https://github.com/${match[1] ?? ''}.git${match[2] ?? ''}`);
}

async function textOf(bytes: AsyncIterable<Uint8Array>, shown: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > TEXT_LIMIT) {
      throw new BuildError('DOCKERFILE_INVALID', `${shown} is not an archive, and too large for a Dockerfile`);
    }
    chunks.push(chunk);
  }
  if (size === 0) {
    throw new BuildError('DOCKERFILE_NOT_FOUND', `${shown} is empty: it contains no Dockerfile`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* untilAborted(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    yield chunk;
  }
}

function invalidArchive(shown: string, error: unknown): unknown {
  const known = error instanceof OciError || error instanceof ProgramMissing || error instanceof BuildError;
  if (!known || (error instanceof OciError && error.code === 'STORE_UNWRITABLE')) return error;
  return new BuildError('CONTEXT_INVALID', `cannot use ${shown} as a build context: ${error.message}`, {
    hint: error instanceof ProgramMissing ? `install ${error.program}, or compress with gzip` : 'recreate the archive',
    cause: error,
  });
}
