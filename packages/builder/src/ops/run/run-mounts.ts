import { type JsonValue, sha256Digest, utf8ToByteString } from '@tsbuild/oci';
import { LayerWriter } from '@tsbuild/oci/node';
import type { KeyInput } from '../../cache/cache-key.ts';
import type { SourceTree } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import type { Executor, RunMount, RunMountSource } from '../../executor/executor.ts';
import type { WantedMount } from '../../executor/mount-points.ts';
import { AgentProxy } from '../../mounts/agent-proxy.ts';
import type { CacheLease } from '../../mounts/cache-mounts.ts';
import type { StepContext } from '../../solver/vertex.ts';
import { type BindContent, bindListing, CONTENT, findBindContent, writeBindLayer } from './bind-content.ts';
import type { OpDependencies, Sandbox } from '../dependencies.ts';
import { fillDirectory } from './fill-directory.ts';
import { EMPTY_ROOTFS, type Rootfs } from '../rootfs.ts';
import {
  type BindMount,
  type CacheMount,
  mountDefinition,
  mountInput,
  type MountRequest,
  rootfsOf,
  type SecretMount,
  type SshMount,
} from './run-mount.ts';
import { StageTree } from '../copy/stage-tree.ts';

/** A mount that is ready: where it is to be, and what it shows there. */
interface ReadyMount extends WantedMount {
  readonly readOnly: boolean;
  readonly source: RunMountSource;
}

/** The mounts of one RUN: first what they mean for its key, then the things themselves. */
export class RunMounts {
  readonly #requests: readonly MountRequest[];
  readonly #deps: OpDependencies;
  readonly #rootfs = new Map<MountRequest, Rootfs>();
  readonly #contents = new Map<MountRequest, { readonly found: BindContent; readonly input: KeyInput }>();

  /** @param inputs the values of {@link rootfsOf}, one for each request that has one, in order */
  constructor(requests: readonly MountRequest[], inputs: readonly Rootfs[], dependencies: OpDependencies) {
    this.#requests = requests;
    this.#deps = dependencies;
    const withRootfs = requests.filter((request) => rootfsOf(request) !== undefined);
    for (const [i, request] of withRootfs.entries()) this.#rootfs.set(request, inputs[i] ?? EMPTY_ROOTFS);
  }

  /** What enters the key: how each is mounted, and the content of what is shown, of nothing beside it. */
  async describe(): Promise<{ readonly definition: readonly JsonValue[]; readonly inputs: readonly KeyInput[] }> {
    for (const request of this.#requests) {
      if (request.kind === 'bind' || request.kind === 'cache') await this.#describeContent(request);
    }
    return {
      definition: this.#requests.map(mountDefinition),
      inputs: this.#requests.flatMap((request) => this.#contents.get(request)?.input ?? []),
    };
  }

  /** Makes everything ready. What is returned must be disposed of when the command has ended. */
  async open(sandbox: Sandbox, context: StepContext): Promise<OpenMounts> {
    const open = new OpenMounts();
    try {
      const caches = await this.#openCaches(sandbox.executor, open, context);
      for (const request of this.#requests) {
        switch (request.kind) {
          case 'bind':
            open.ready.push(await this.#openBind(request, sandbox, open, context));
            break;
          case 'cache': {
            const path = caches.get(request)?.directory ?? '';
            open.add(request.target, false, request.readOnly, { kind: 'host', path });
            break;
          }
          case 'tmpfs': {
            const size = request.size === undefined || request.size === 0 ? {} : { size: request.size };
            open.add(request.target, false, false, { kind: 'tmpfs', ...size });
            break;
          }
          case 'secret':
            this.#openSecret(request, open);
            break;
          case 'ssh':
            await this.#openAgent(request, open);
            break;
          case 'script': {
            const content = Buffer.from(request.content);
            open.add(request.target, true, true, { kind: 'memory', content, mode: 0o755, uid: 0, gid: 0 });
          }
        }
      }
      return open;
    } catch (error) {
      await open[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #describeContent(request: BindMount | CacheMount): Promise<void> {
    if (request.kind === 'cache' && request.from === undefined) {
      if (/^[/.]*$/.test(request.source)) return;
      throw new BuildError(
        'DOCKERFILE_INVALID',
        `a cache mount without from= cannot start from ${JSON.stringify(request.source)}`,
        {
          hint: 'source= selects the files of from= that a new cache starts with.',
        },
      );
    }
    const { tree, close } = await this.#source(request);
    try {
      const found = findBindContent(tree, request.source);
      const listing = bindListing(tree, found);
      const input = { name: mountInput(request), id: sha256Digest(listing), listing };
      this.#contents.set(request, { found, input });
    } finally {
      close();
    }
  }

  async #source(request: BindMount | CacheMount): Promise<{ readonly tree: SourceTree; readonly close: () => void }> {
    if (request.from?.kind === 'context') return { tree: request.from.tree(), close: () => {} };
    const rootfs = this.#rootfs.get(request) ?? EMPTY_ROOTFS;
    const tree = new StageTree(await this.#deps.trees.treeOf(rootfs), this.#deps.blobs);
    return { tree, close: () => tree.close() };
  }

  #contentOf(request: MountRequest): BindContent {
    const content = this.#contents.get(request);
    if (content === undefined) throw new TypeError('mounts are described before they are opened');
    return content.found;
  }

  async #openBind(request: BindMount, sandbox: Sandbox, open: OpenMounts, context: StepContext): Promise<ReadyMount> {
    const found = this.#contentOf(request);
    const { rootfs, path } =
      request.from.kind === 'context'
        ? { rootfs: await this.#contextLayer(request.from.tree(), found, context), path: CONTENT }
        : { rootfs: this.#rootfs.get(request) ?? EMPTY_ROOTFS, path: found.path };
    const layers = await this.#deps.layers.ensure(rootfs.layers);
    const tree = await this.#deps.trees.treeOf(rootfs);
    const snapshot = await sandbox.snapshotter.prepare({ layers, tree }, context.signal);
    open.defer(async () => snapshot[Symbol.asyncDispose]());
    return {
      path: utf8ToByteString(request.target),
      file: found.entry.type === 'file',
      readOnly: request.readOnly,
      source: { kind: 'tree', root: snapshot.root, path },
      content: { tree, writable: snapshot.writable, path },
    };
  }

  async #contextLayer(tree: SourceTree, found: BindContent, context: StepContext): Promise<Rootfs> {
    const { blobs, epoch, trees } = this.#deps;
    const writer = new LayerWriter(await blobs.create());
    try {
      await writeBindLayer(tree, found, writer, epoch, context.signal);
    } catch (error) {
      await writer.discard();
      throw error;
    }
    const layer = await writer.finish();
    await trees.remember(layer.digest, layer.index);
    return { layers: [{ digest: layer.digest }] };
  }

  /** All caches at once, in one order for all commands, so that two of them never wait for each other. */
  async #openCaches(
    { movesMounts = false }: Executor,
    open: OpenMounts,
    context: StepContext,
  ): Promise<ReadonlyMap<MountRequest, CacheLease>> {
    const leases = new Map<MountRequest, CacheLease>();
    const byName = new Map<string, CacheLease>();
    const requests = this.#requests.filter((request) => request.kind === 'cache');
    for (const request of requests.toSorted((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)))) {
      const { mode, uid, gid } = request;
      const initial = { mode, uid, gid, content: this.#contents.get(request)?.input.id };
      const name = JSON.stringify([request.id, initial]);
      // A command that mounts one cache twice must not wait for itself.
      const lease =
        byName.get(name) ??
        (await this.#deps.mounts.caches.acquire(
          { ...request, initial, sharing: movesMounts && request.sharing === 'shared' ? 'locked' : request.sharing },
          this.#filler(request, context),
          context.signal,
        ));
      if (!byName.has(name)) open.defer(async () => lease[Symbol.dispose]());
      byName.set(name, lease);
      leases.set(request, lease);
    }
    return leases;
  }

  #filler(request: CacheMount, context: StepContext): (directory: string) => Promise<void> {
    return async (directory) => {
      if (request.from === undefined) return;
      const found = this.#contentOf(request);
      if (found.entry.type !== 'directory')
        throw new BuildError('RUN_FAILED', `cache source ${request.source} must be a directory`);
      await this.#deps.layers.ensure((this.#rootfs.get(request) ?? EMPTY_ROOTFS).layers);
      const { tree, close } = await this.#source(request);
      try {
        await fillDirectory(tree, found.path, directory, context.signal);
      } finally {
        close();
      }
    };
  }

  #openSecret(request: SecretMount, open: OpenMounts): void {
    const { id, target, env, mode, uid, gid } = request;
    const content = this.#deps.mounts.secrets.get(id);
    if (content === undefined) {
      if (!request.required) return;
      throw new BuildError('OPTION_INVALID', `secret ${id}: not found`, {
        hint: `The command needs it: --secret id=${id},src=FILE or --secret id=${id},env=VARIABLE.`,
      });
    }
    if (target !== undefined) open.add(target, true, true, { kind: 'memory', content, mode, uid, gid });
    if (env === undefined) return;
    if (content.includes(0)) {
      throw new BuildError('OPTION_INVALID', `the secret ${id} contains a zero byte, so it cannot be a variable`);
    }
    open.secretEnv.set(env, Buffer.from(content).toString('utf8'));
  }

  async #openAgent(request: SshMount, open: OpenMounts): Promise<void> {
    const { id, target } = request;
    const agent = this.#deps.mounts.agents.get(id);
    if (agent === undefined) {
      if (!request.required) return;
      throw new BuildError('OPTION_INVALID', `unset ssh forward key ${id}`, {
        hint: `The command needs an SSH agent: --ssh ${id}${id === 'default' ? '' : '=SOCKET'}.`,
      });
    }
    const proxy = await AgentProxy.listen(agent, request);
    open.defer(() => proxy[Symbol.asyncDispose]());
    open.add(target, true, true, { kind: 'host', path: proxy.path });
  }
}

/** Mounts that are ready, and what must be undone when the command has ended. */
export class OpenMounts implements AsyncDisposable {
  readonly ready: ReadyMount[] = [];
  readonly secretEnv = new Map<string, string>();
  readonly #undo: (() => Promise<void>)[] = [];

  add(target: string, file: boolean, readOnly: boolean, source: RunMountSource): void {
    this.ready.push({ path: utf8ToByteString(target), file, readOnly, source });
  }

  defer(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }

  /** For the executor, with the places that were found for them. */
  placed(targets: readonly string[]): readonly RunMount[] {
    return this.ready.map(({ file, readOnly, source }, i) => ({ target: targets[i] ?? '', file, readOnly, source }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const undo = this.#undo.splice(0).toReversed();
    const ends = await Promise.allSettled(undo.map((each) => each()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}
