import type { SourceEntry, SourceTree } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import type { StepContext } from '../../solver/vertex.ts';
import { AddedArchive, type ArchiveCandidate } from '../add/archive.ts';
import type { CopyOrigin } from './copy-item.ts';
import { type CopyPlanner, matchSource, splitPivot } from './copy-plan.ts';
import type { CopyRequest, CopySource } from './copy-request.ts';
import type { OpDependencies } from '../dependencies.ts';
import type { GitReference } from '../add/git-reference.ts';
import { EMPTY_ROOTFS, type Rootfs } from '../rootfs.ts';
import { downloadedFile, inlineFile } from './single-file.ts';
import { StageTree } from './stage-tree.ts';

/** The sources of one COPY or ADD: opened while it is planned, loaded before it is written, closed in the end. */
export class CopySources {
  readonly #request: CopyRequest;
  readonly #deps: OpDependencies;
  readonly #context: StepContext;
  readonly #openTree: () => SourceTree;
  #main: { readonly tree: SourceTree; readonly origin: CopyOrigin } | undefined;
  /** What brings contents that planning did not need. */
  readonly #loads: ((signal: AbortSignal) => Promise<unknown>)[] = [];
  readonly #closes: (() => void)[] = [];

  private constructor(request: CopyRequest, deps: OpDependencies, context: StepContext, openTree: () => SourceTree) {
    this.#request = request;
    this.#deps = deps;
    this.#context = context;
    this.#openTree = openTree;
  }

  /** `stage` is the filesystem that `--from` names; the context is opened when a source needs it. */
  static async open(
    request: CopyRequest,
    deps: OpDependencies,
    stage: Rootfs | undefined,
    context: StepContext,
  ): Promise<CopySources> {
    const { from } = request;
    if (from.kind === 'context') return new CopySources(request, deps, context, from.tree);
    const rootfs = stage ?? EMPTY_ROOTFS;
    const tree = new StageTree(await deps.trees.treeOf(rootfs), deps.blobs);
    const sources = new CopySources(request, deps, context, () => tree);
    sources.#loads.push(() => deps.layers.ensure(rootfs.layers));
    sources.#closes.push(() => tree.close());
    return sources;
  }

  /** The context or stage, when a source reads from it. */
  get origin(): CopyOrigin | undefined {
    return this.#main?.origin;
  }

  async addTo(planner: CopyPlanner, source: CopySource): Promise<void> {
    switch (source.kind) {
      case 'paths':
        return this.#addPaths(planner, source.pattern, source.unpack);
      case 'heredoc': {
        const now = Math.floor(Date.now() / 1000);
        const { entry, origin } = inlineFile(source.name, source.text, now);
        return planner.addFile(entry.path, entry, origin);
      }
      case 'url':
        return this.#addUrl(planner, source);
      case 'git':
        return this.#addGit(planner, source.reference);
    }
  }

  /** Sees to it that every planned file can be read. */
  async load(signal: AbortSignal): Promise<void> {
    for (const load of this.#loads) await load(signal);
  }

  close(): void {
    for (const close of this.#closes.splice(0)) close();
  }

  async #addPaths(planner: CopyPlanner, pattern: string, unpack: boolean): Promise<void> {
    this.#main ??= this.#openMain();
    const { tree, origin } = this.#main;
    if (this.#request.parents) return planner.addPivoted(splitPivot(pattern), tree, origin);
    for (const match of matchSource(tree, pattern)) {
      const isArchive = unpack && (await this.#addArchive(planner, match.entry, origin));
      if (!isArchive) planner.addMatch(match, tree, origin);
    }
  }

  #openMain(): { readonly tree: SourceTree; readonly origin: CopyOrigin } {
    const tree = this.#openTree();
    return { tree, origin: { content: tree, exactTimes: this.#request.from.kind === 'context' } };
  }

  /** Plans a file as an archive, if it is one. */
  async #addArchive(planner: CopyPlanner, entry: SourceEntry, { content }: CopyOrigin): Promise<boolean> {
    const { archives } = this.#deps;
    const file: ArchiveCandidate = { entry, content };
    const archive = await AddedArchive.open(file, archives, this.#context.signal, (text) => this.#context.notice(text));
    if (archive === undefined) return false;
    this.#closes.push(() => archive[Symbol.dispose]());
    this.#loads.push((signal) => archive.load(signal));
    planner.addArchive(archive.entries, { content: archive, exactTimes: false });
    return true;
  }

  async #addUrl(planner: CopyPlanner, source: Extract<CopySource, { kind: 'url' }>): Promise<void> {
    const { downloads, blobs } = this.#deps;
    const { url, checksum, name } = source;
    const file = await downloads.resolve(url, checksum, this.#context.signal);
    const ensure = (signal: AbortSignal): Promise<void> => downloads.ensure(url, file, signal);
    const { entry, origin } = downloadedFile(name, file, blobs);
    if (source.unpack) {
      await ensure(this.#context.signal);
      if (await this.#addArchive(planner, entry, origin)) return;
    }
    this.#loads.push(ensure);
    planner.addFile(entry.path, entry, origin);
  }

  async #addGit(planner: CopyPlanner, reference: GitReference): Promise<void> {
    const { signal } = this.#context;
    const checkout = await this.#deps.repositories.resolve(reference, signal);
    const tree = new StageTree(await this.#deps.trees.treeOf(checkout.rootfs), this.#deps.blobs);
    this.#closes.push(() => tree.close());
    this.#loads.push((later) => checkout.ensure(later));
    const root = tree.lookup('');
    if (root === undefined) throw new BuildError('SOURCE_NOT_FOUND', 'the commit has no files');
    planner.addTree(root, tree, { content: tree, exactTimes: false });
  }
}
