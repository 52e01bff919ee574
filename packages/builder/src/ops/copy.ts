import { sha256Digest } from '@tsbuild/oci';
import { LayerWriter, type WrittenLayer } from '@tsbuild/oci/node';
import type { KeyPreimage } from '../cache/cache-key.ts';
import type { SourceEntry, SourceTree } from '../context/source-tree.ts';
import type { SourceRange } from '../dockerfile/source-file.ts';
import { BuildError } from '../errors.ts';
import type { PreparedStep, StepContext, StepVertex, Vertex } from '../solver/vertex.ts';
import { writeCopyLayer } from './copy-layer.ts';
import { copyListing, type CopyLook } from './copy-listing.ts';
import { type CopyPlan, planCopy } from './copy-plan.ts';
import type { OpDependencies } from './dependencies.ts';
import { locate } from './locate.ts';
import { resolveOwner } from './ownership.ts';
import { EMPTY_ROOTFS, type LayerOutput, type Rootfs, withLayer } from './rootfs.ts';
import { StageTree } from './stage-tree.ts';

/** A COPY with everything expanded. */
export interface CopyRequest {
  readonly id: string;
  readonly range: SourceRange;
  readonly parent: Vertex<Rootfs, LayerOutput>;
  readonly from:
    | { readonly kind: 'context'; readonly tree: () => SourceTree }
    | { readonly kind: 'stage'; readonly rootfs: Vertex<Rootfs, LayerOutput> };
  readonly sources: readonly string[];
  readonly destination: string;
  readonly workingDirectory: string;
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
  readonly ignoreCache: boolean;
}

/**
 * COPY as a vertex. Its layer is written straight from the source; of the parent it needs only facts from the layer
 * indexes (links on the way, folders that exist, ids of names), and only those enter the key, so a new base image keeps
 * the layer.
 */
export function copyStep(request: CopyRequest, dependencies: OpDependencies): StepVertex<Rootfs, LayerOutput> {
  const { from } = request;
  return {
    kind: 'step',
    id: request.id,
    inputs: from.kind === 'stage' ? [request.parent, from.rootfs] : [request.parent],
    ignoreCache: request.ignoreCache,
    prepare: ([parent, stage], context) =>
      locate(request.range, () =>
        new CopyOperation(request, dependencies).prepare(parent ?? EMPTY_ROOTFS, stage, context),
      ),
    complete: ([parent], output) => withLayer(parent ?? EMPTY_ROOTFS, output.layer),
  };
}

class CopyOperation {
  readonly #request: CopyRequest;
  readonly #deps: OpDependencies;

  constructor(request: CopyRequest, dependencies: OpDependencies) {
    this.#request = request;
    this.#deps = dependencies;
  }

  async prepare(parent: Rootfs, stage: Rootfs | undefined, context: StepContext): Promise<PreparedStep<LayerOutput>> {
    const { sources, destination, workingDirectory } = this.#request;
    const tree = await this.#deps.trees.treeOf(parent);
    // Names are looked up in the parent's files, which may still be elsewhere.
    if (/[a-z]/i.test(this.#request.chown ?? '')) await this.#deps.layers.ensure(parent.layers);
    const { source, close } = await this.#openSource(stage);
    try {
      const plan = planCopy(source, sources, { path: destination, workingDirectory }, tree);
      const look: CopyLook = {
        owner: resolveOwner(this.#request.chown ?? '', tree, this.#deps.blobs, (kind, name) =>
          context.notice(`--chown: no ${kind} named ${JSON.stringify(name)} in the image, so the files belong to 0`),
        ),
        mode: parseMode(this.#request.chmod),
      };
      return await this.#prepared({ plan, look, source, stage, close }, context);
    } catch (error) {
      close();
      throw error;
    }
  }

  /**
   * Where no digest is known yet (a cold build), hashing and writing are one pass over the files, and a hit afterwards
   * throws the layer away. Else the digests are found first, and the layer is written only on a miss.
   */
  async #prepared(work: CopyWork, context: StepContext): Promise<PreparedStep<LayerOutput>> {
    const cold = !anyKnown(work);
    const written = cold ? await this.#write(work, context) : undefined;
    const preimage = this.#preimage(work);
    const finish = (): void => work.close();
    return {
      preimage,
      execute: (later) =>
        locate(this.#request.range, async () => {
          try {
            const writer = written ?? (await this.#write(work, later));
            const layer = await writer.finish();
            await this.#deps.trees.remember(layer.digest, layer.index);
            return outputOf(layer);
          } finally {
            finish();
          }
        }),
      discard: async () => {
        await written?.discard();
        finish();
      },
    };
  }

  async #write(work: CopyWork, context: StepContext): Promise<LayerWriter> {
    if (work.stage !== undefined) await this.#deps.layers.ensure(work.stage.layers);
    const writer = new LayerWriter(await this.#deps.blobs.create());
    const times = { epoch: this.#deps.epoch, exact: this.#request.from.kind === 'context' };
    try {
      await writeCopyLayer(work.plan, work.source, writer, work.look, times, context.signal);
      return writer;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  #preimage(work: CopyWork): KeyPreimage {
    const listing = copyListing(work.plan, work.look, (entry) => work.source.contentSha256(entry));
    return {
      operation: 'copy',
      definition: { epoch: this.#deps.epoch ?? null },
      inputs: [{ name: 'files', id: sha256Digest(listing), listing }],
    };
  }

  async #openSource(stage: Rootfs | undefined): Promise<{ source: SourceTree; close: () => void }> {
    const { from } = this.#request;
    if (from.kind === 'context') return { source: from.tree(), close: () => {} };
    const tree = new StageTree(await this.#deps.trees.treeOf(stage ?? EMPTY_ROOTFS), this.#deps.blobs);
    return { source: tree, close: () => tree.close() };
  }
}

interface CopyWork {
  readonly plan: CopyPlan;
  readonly look: CopyLook;
  readonly source: SourceTree;
  /** The stage that is copied from; undefined for the context. */
  readonly stage: Rootfs | undefined;
  readonly close: () => void;
}

function anyKnown({ plan, source }: CopyWork): boolean {
  for (const item of plan.values()) {
    if (item.kind !== 'copied' || item.entry.type !== 'file') continue;
    if (isKnown(source, item.entry)) return true;
  }
  return false;
}

function isKnown(source: SourceTree, entry: SourceEntry): boolean {
  return source.knownSha256(entry) !== undefined;
}

function outputOf(layer: WrittenLayer): LayerOutput {
  return { layer: { digest: layer.digest, size: layer.size } };
}

function parseMode(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777) return Number.parseInt(text, 8);
  throw new BuildError(
    'DOCKERFILE_INVALID',
    `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
  );
}
