import { type ByteString, type Digest, sha256Digest } from '@tsbuild/oci';
import { LayerWriter, RootfsTree, type WrittenLayer } from '@tsbuild/oci/node';
import type { KeyInput, KeyPreimage } from '../../cache/cache-key.ts';
import type { SourceEntry, SourceTree } from '../../context/source-tree.ts';
import type { PreparedStep, StepContext, StepVertex } from '../../solver/vertex.ts';
import type { CopyPlan } from './copy-item.ts';
import { writeCopyLayer } from './copy-layer.ts';
import { shownPaths } from './copied-path.ts';
import { copyListing } from './copy-listing.ts';
import { type CopyLook, CopyPlanner, someFile } from './copy-plan.ts';
import { copyQuestion } from './copy-question.ts';
import type { CopyRequest } from './copy-request.ts';
import { CopySources } from './copy-sources.ts';
import type { OpDependencies } from '../dependencies.ts';
import type { EarlierLayer } from './earlier-content.ts';
import { printablePath } from '../listing.ts';
import { resolveOwner } from './ownership.ts';
import { recovering } from '../recovering.ts';
import { EMPTY_ROOTFS, type LayerOutput, type Rootfs, withLayer } from '../rootfs.ts';
import { WrittenTree } from './written-tree.ts';

/**
 * COPY or ADD as a vertex. Its layer is written straight from the sources; of the parent it needs only facts from the
 * layer indexes (links on the way, folders that exist, ids of names), and only those enter the key, so a new base image
 * keeps the layer.
 */
export function copyStep(request: CopyRequest, dependencies: OpDependencies): StepVertex<Rootfs, LayerOutput> {
  const { from } = request;
  return {
    kind: 'step',
    id: request.id,
    inputs: from.kind === 'stage' ? [request.parent, from.rootfs] : [request.parent],
    ...contextOf(request),
    ignoreCache: request.ignoreCache,
    prepare: ([parent, stage], context) =>
      recovering(request.range, contextsOf(request), () =>
        prepare(request, dependencies, parent ?? EMPTY_ROOTFS, stage, context),
      ),
    complete: ([parent], output) => withLayer(parent ?? EMPTY_ROOTFS, output.layer),
  };
}

function contextsOf({ from }: CopyRequest): readonly (() => SourceTree)[] {
  return from.kind === 'context' ? [from.tree] : [];
}

/** Heredocs and downloads come from elsewhere. */
function contextOf({ from, sources }: CopyRequest): Pick<StepVertex<Rootfs, LayerOutput>, 'contexts'> {
  const reads = from.kind === 'context' && sources.some(({ kind }) => kind === 'paths');
  return reads ? { contexts: new Map([['files', from.name ?? '']]) } : {};
}

/** By what earlier builds remember of the same copy, or by planning it. */
async function prepare(
  request: CopyRequest,
  deps: OpDependencies,
  parent: Rootfs,
  stage: Rootfs | undefined,
  context: StepContext,
): Promise<PreparedStep<LayerOutput>> {
  const question = deps.copyMemory === undefined ? undefined : copyQuestion(request, parent, stage);
  const listing = question === undefined || request.ignoreCache ? undefined : deps.copyMemory?.recall(question);
  const plan = async (): Promise<PreparedStep<LayerOutput>> => {
    let isQuiet = true;
    const notice = (message: string): void => {
      isQuiet = false;
      context.notice(message);
    };
    const planned = await preparePlanned(request, deps, parent, stage, { ...context, notice });
    const [files] = planned.preimage.inputs;
    // What it says about the copy is to be said in every build.
    if (question !== undefined && files !== undefined && isQuiet) deps.copyMemory?.keep(question, files.id);
    return planned;
  };
  if (listing === undefined) return plan();
  const preimage = preimageOf(deps, { name: 'files', id: listing });
  return {
    preimage,
    afresh: () => recovering(request.range, contextsOf(request), plan),
    execute: unplanned,
    discard: async () => undefined,
  };
}

function unplanned(): never {
  throw new TypeError('a copy that was not planned cannot be executed');
}

async function preparePlanned(
  request: CopyRequest,
  deps: OpDependencies,
  parent: Rootfs,
  stage: Rootfs | undefined,
  context: StepContext,
): Promise<PreparedStep<LayerOutput>> {
  const { destination, workingDirectory } = request;
  const tree = await deps.trees.treeOf(parent);
  const look = await lookOf(request, deps, parent, tree, context);
  const written = new WrittenTree(request.link ? new RootfsTree([]) : tree);
  const planner = new CopyPlanner(written, { path: destination, workingDirectory }, look, request.excludes);
  const sources = await CopySources.open(request, deps, stage, context);
  try {
    for (const source of request.sources) await sources.addTo(planner, source);
    if (planner.sockets.length > 0) context.notice(leftOut(planner.sockets));
    return await new CopyOperation(request, deps, planner.finish(), sources).prepared(context);
  } catch (error) {
    sources.close();
    throw error;
  }
}

async function lookOf(
  request: CopyRequest,
  deps: OpDependencies,
  parent: Rootfs,
  tree: RootfsTree,
  context: StepContext,
): Promise<CopyLook> {
  const { chown = '', chmod } = request;
  // Names are looked up in the parent's files, which may still be elsewhere.
  if (/[a-z]/i.test(chown)) await deps.layers.ensure(parent.layers);
  const owner = resolveOwner(chown, tree, deps.blobs, (kind, name) => {
    const so = kind === 'user' ? 'the files belong to 0' : "the group stays the user's";
    context.notice(`--chown: no ${kind} named ${JSON.stringify(name)} in the image, so ${so}`);
  });
  return { owner, givenOwner: chown === '' ? undefined : owner, mode: chmod?.change };
}

class CopyOperation {
  readonly #request: CopyRequest;
  readonly #deps: OpDependencies;
  readonly #plan: CopyPlan;
  readonly #sources: CopySources;

  constructor(request: CopyRequest, dependencies: OpDependencies, plan: CopyPlan, sources: CopySources) {
    this.#request = request;
    this.#deps = dependencies;
    this.#plan = plan;
    this.#sources = sources;
  }

  /**
   * Where no digest is known yet (a cold build), hashing and writing are one pass over the files, and a hit afterwards
   * throws the layer away. Else the digests are found first, and the layer is written only on a miss.
   */
  async prepared(context: StepContext): Promise<PreparedStep<LayerOutput>> {
    const written = this.#isCold() ? await this.#write(context) : undefined;
    let preimage: KeyPreimage;
    try {
      if (written === undefined) await this.#learn(context.signal);
      preimage = this.#preimage();
    } catch (error) {
      await written?.discard();
      throw error;
    }
    return {
      preimage,
      execute: (later) =>
        recovering(this.#request.range, contextsOf(this.#request), async () => {
          try {
            const writer = written ?? (await this.#write(later));
            const layer = await writer.finish();
            await this.#deps.trees.remember(layer.digest, layer.index);
            this.#remember(layer.digest);
            return outputOf(layer);
          } finally {
            this.#sources.close();
          }
        }),
      discard: async () => {
        await written?.discard();
        this.#sources.close();
      },
    };
  }

  /** A file that was seen before probably has its old content under a new time: it is read first, and nothing written. */
  #isCold(): boolean {
    const { origin } = this.#sources;
    if (origin === undefined || !someFile(this.#plan, origin, () => true)) return false;
    const { content } = origin;
    return !someFile(
      this.#plan,
      origin,
      (entry) => content.knownSha256(entry) !== undefined || content.wasSeen?.(entry) === true,
    );
  }

  async #learn(signal: AbortSignal): Promise<void> {
    const { origin } = this.#sources;
    if (origin?.content.learnAll === undefined) return;
    const files: SourceEntry[] = [];
    for (const item of this.#plan.items.values()) {
      if (item.kind === 'copied' && item.origin === origin && item.entry.type === 'file') files.push(item.entry);
    }
    await origin.content.learnAll(files, signal);
  }

  /** The layers that this context's copies wrote in earlier builds. */
  async #earlier(): Promise<readonly EarlierLayer[]> {
    const place = this.#sources.origin?.content.place;
    return place === undefined ? [] : ((await this.#deps.earlierCopies?.open(place, this.#plan)) ?? []);
  }

  #remember(layer: Digest): void {
    const place = this.#sources.origin?.content.place;
    if (place !== undefined) this.#deps.earlierCopies?.add(place, layer);
  }

  async #write(context: StepContext): Promise<LayerWriter> {
    await this.#sources.load(context.signal);
    const writer = new LayerWriter(await this.#deps.blobs.create());
    const times = { epoch: this.#deps.epoch, exactTimes: this.#request.from.kind === 'context' };
    try {
      await writeCopyLayer(this.#plan, writer, times, context.signal, await this.#earlier());
      return writer;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  #preimage(): KeyPreimage {
    const listing = copyListing(this.#plan);
    const id: Digest = sha256Digest(listing);
    const shownPath = (): ((path: string) => string) => shownPaths(this.#plan, this.#request.from.kind);
    return preimageOf(this.#deps, { name: 'files', id, listing, shownPath });
  }
}

function preimageOf({ epoch }: OpDependencies, files: KeyInput): KeyPreimage {
  return { operation: 'copy', definition: { epoch: epoch ?? null }, inputs: [files] };
}

function leftOut(sockets: readonly ByteString[]): string {
  const [first = '', ...more] = sockets;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return `skipped the socket ${printablePath(first)}${others}: an image cannot contain sockets`;
}

function outputOf(layer: WrittenLayer): LayerOutput {
  return { layer: { digest: layer.digest, size: layer.size } };
}
