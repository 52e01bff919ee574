import { formatPlatform, type Platform, utf8ToByteString } from '@tsbuild/oci';
import { LayerWriter } from '@tsbuild/oci/node';
import type { KeyPreimage } from '../../cache/cache-key.ts';
import type { SourceTree } from '../../context/source-tree.ts';
import type { SourceRange } from '../../diagnostics/source-file.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import type { Executor, ResourceLimit, RunOutput, RunSpec } from '../../executor/executor.ts';
import { runnableHere } from '../../emulation/known-platforms.ts';
import type { Runnable } from '../../emulation/runnable.ts';
import { type Identity, lookupUser } from '../../executor/identity.ts';
import { ensureDirectory, prepareMountPoints } from '../../executor/mount-points.ts';
import type { PreparedStep, StepContext, StepVertex, Vertex } from '../../solver/vertex.ts';
import { DiskOwners } from '../../disk/disk-owners.ts';
import type { ActiveSnapshot } from '../../snapshot/snapshotter.ts';
import type { OpDependencies, Sandbox } from '../dependencies.ts';
import { DEFAULT_PATH } from '../default-path.ts';
import { OutputTail } from './output-tail.ts';
import { EMPTY_ROOTFS, type LayerOutput, type Rootfs, rootfsId, withLayer } from '../rootfs.ts';
import { recovering } from '../recovering.ts';
import { mountInput, type MountRequest, rootfsOf } from './run-mount.ts';
import { RunMounts } from './run-mounts.ts';
import { readTreeFile } from './tree-file.ts';

/** A RUN with everything expanded. */
export interface RunRequest {
  readonly id: string;
  readonly range: SourceRange;
  readonly parent: Vertex<Rootfs, LayerOutput>;
  readonly argv: readonly string[];
  /** `KEY=value`: ENV and ARG in the order of their first appearance. */
  readonly environment: readonly string[];
  /** Proxy settings: the command gets them, the key does not, as they say where it ran and not what it made. */
  readonly proxies: readonly string[];
  readonly workingDirectory: string;
  /** USER as written, `''` for root. */
  readonly user: string;
  readonly network: 'host' | 'none';
  /** The host name that the command sees. */
  readonly hostname: string;
  readonly mounts: readonly MountRequest[];
  readonly limits: RunLimits;
  readonly platform: Platform;
  readonly ignoreCache: boolean;
}

/** What `--shm-size`, `--ulimit` and `--add-host` say; for all commands of a build. */
export interface RunLimits {
  /** Bytes of /dev/shm. */
  readonly shmSize: number | undefined;
  readonly limits: readonly ResourceLimit[];
  /** What is added to /etc/hosts, in order. */
  readonly hosts: readonly { readonly name: string; readonly address: string }[];
}

/** RUN as a vertex: a directory exists only while the command runs; what it changed becomes the layer. */
export function runStep(request: RunRequest, dependencies: OpDependencies): StepVertex<Rootfs, LayerOutput> {
  return {
    kind: 'step',
    id: request.id,
    inputs: [request.parent, ...request.mounts.flatMap((mount) => rootfsOf(mount) ?? [])],
    ...mountedContexts(request),
    ignoreCache: request.ignoreCache,
    prepare: ([parent = EMPTY_ROOTFS, ...others]): Promise<PreparedStep<LayerOutput>> =>
      recovering(request.range, contextsOf(request), async () => {
        const mounts = new RunMounts(request.mounts, others, dependencies);
        const preimage = await preimageOf(request, dependencies.epoch, parent, mounts);
        return {
          preimage,
          execute: (context) =>
            recovering(request.range, contextsOf(request), () =>
              execute(request, dependencies, { parent, mounts }, context),
            ),
          discard: async () => {},
        };
      }),
    complete: ([parent], output) => withLayer(parent ?? EMPTY_ROOTFS, output.layer),
  };
}

/** The contexts that mounts show something of: what of them a command sees is written before it begins. */
function contextsOf({ mounts }: RunRequest): readonly (() => SourceTree)[] {
  return mounts.flatMap((mount) =>
    (mount.kind === 'bind' || mount.kind === 'cache') && mount.from?.kind === 'context' ? [mount.from.tree] : [],
  );
}

function mountedContexts({ mounts }: RunRequest): Pick<StepVertex<Rootfs, LayerOutput>, 'contexts'> {
  const contexts = mounts.flatMap((mount): readonly (readonly [string, string])[] =>
    mount.kind === 'bind' && mount.from.kind === 'context' ? [[mountInput(mount), mount.from.name ?? '']] : [],
  );
  return contexts.length === 0 ? {} : { contexts: new Map(contexts) };
}

async function preimageOf(
  request: RunRequest,
  epoch: number | undefined,
  parent: Rootfs,
  runMounts: RunMounts,
): Promise<KeyPreimage> {
  const mounts = await runMounts.describe();
  const { shmSize, limits, hosts } = request.limits;
  const { limited } = DiskOwners.read();
  return {
    operation: 'run',
    definition: {
      argv: request.argv,
      environment: request.environment,
      workingDirectory: request.workingDirectory,
      user: request.user,
      network: request.network,
      hostname: request.hostname,
      platform: formatPlatform(request.platform),
      // Times are part of the layer: with another epoch the same command makes another layer.
      epoch: epoch ?? null,
      // Only what is there: most commands keep the keys they would have without these.
      ...(mounts.definition.length === 0 ? {} : { mounts: mounts.definition }),
      ...(shmSize === undefined ? {} : { shmSize }),
      ...(limits.length === 0 ? {} : { limits: limits.map(({ name, soft, hard }) => ({ name, soft, hard })) }),
      // With one id alone every owner is root: what the command sees and makes is not what it would be elsewhere.
      ...(limited === undefined ? {} : { ids: limited }),
      // The file is there for the command to read, addresses too.
      ...(hosts.length === 0 ? {} : { hosts: hosts.map(({ name, address }) => `${name}:${address}`) }),
    },
    inputs: [{ name: 'parent', id: rootfsId(parent) }, ...mounts.inputs],
  };
}

async function execute(
  request: RunRequest,
  deps: OpDependencies,
  { parent, mounts }: { readonly parent: Rootfs; readonly mounts: RunMounts },
  context: StepContext,
): Promise<LayerOutput> {
  const runnable = await runnableFor(request, context);
  try {
    return await prepared(request, deps, { parent, mounts, runnable }, context, async (spec, { sandbox, snapshot }) => {
      await runCommand({ request, runnable, spec }, sandbox.executor, context);
      return async () => writeResult(snapshot, deps);
    });
  } catch (error) {
    const failed = error instanceof BuildError && error.exitCode !== undefined && !context.signal.aborted;
    if (!failed || deps.onFailedRun === undefined) throw error;
    await deps.onFailedRun({
      error,
      // Everything anew: the failed command may have changed what it had.
      shell: ({ output, control, terminal }) =>
        prepared(request, deps, { parent, mounts, runnable }, context, async (spec, { sandbox }) => {
          const wanted: RunSpec = {
            ...spec,
            argv: shellOf(request.argv),
            ...(terminal === undefined ? {} : { terminal }),
          };
          const { exitCode } = await sandbox.executor.run(wanted, output, context.signal, control);
          return async () => exitCode;
        }),
    });
    throw error;
  }
}

/** The shell of a RUN in shell form, else that of every image that has one. */
function shellOf(argv: readonly string[]): readonly string[] {
  return argv.length === 3 && argv[1] === '-c' ? argv.slice(0, 1) : ['/bin/sh'];
}

/** A sandbox with a snapshot and mounts of its own, for as long as `use` and what it returns take. */
async function prepared<T>(
  request: RunRequest,
  deps: OpDependencies,
  { parent, mounts, runnable }: { readonly parent: Rootfs; readonly mounts: RunMounts; readonly runnable: Runnable },
  context: StepContext,
  use: (
    spec: RunSpec,
    place: { readonly sandbox: Sandbox; readonly snapshot: ActiveSnapshot },
  ) => Promise<() => Promise<T>>,
): Promise<T> {
  const sandbox = await deps.sandbox();
  const layers = await deps.layers.ensure(parent.layers);
  const tree = await deps.trees.treeOf(parent);
  const identity = lookupUser(
    request.user,
    readTreeFile(tree, deps.blobs, 'etc/passwd'),
    readTreeFile(tree, deps.blobs, 'etc/group'),
  );
  await using open = await mounts.open(sandbox, context);
  await using snapshot = await sandbox.snapshotter.prepare({ layers, tree }, context.signal);
  const points = prepareMountPoints(tree, snapshot.writable, {
    files: [
      { path: '/etc/hosts', source: sandbox.files.hosts },
      { path: '/etc/resolv.conf', source: sandbox.files.resolvConf },
    ],
    mounts: open.ready,
  });
  ensureDirectory(tree, snapshot.writable, utf8ToByteString(request.workingDirectory));
  let finish: () => Promise<T>;
  try {
    const { shmSize, limits } = request.limits;
    const { env, hidden } = environmentFor(request, identity);
    const spec: RunSpec = {
      argv: request.argv,
      env,
      cwd: request.workingDirectory,
      user: identity,
      root: snapshot.root,
      files: points.files,
      mounts: open.placed(points.targets),
      secretEnv: new Map([...hidden, ...open.secretEnv]),
      network: request.network,
      hostname: request.hostname,
      ...(shmSize === undefined ? {} : { shmSize }),
      ...(limits.length === 0 ? {} : { limits }),
      ...(runnable.kind === 'private' ? { userNamespace: runnable.userNamespace } : {}),
    };
    finish = await use(spec, { sandbox, snapshot });
  } finally {
    points.cleanup();
  }
  return await finish();
}

async function writeResult(snapshot: ActiveSnapshot, deps: OpDependencies): Promise<LayerOutput> {
  const writer = new LayerWriter(await deps.blobs.create());
  try {
    await snapshot.writeChanges(writer, deps.epoch === undefined ? {} : { epoch: deps.epoch });
  } catch (error) {
    await writer.discard();
    throw error;
  }
  const layer = await writer.finish();
  await deps.trees.remember(layer.digest, layer.index);
  await snapshot.keep(layer);
  return { layer: { digest: layer.digest, size: layer.size } };
}

/** How the command of another platform is run. @throws BuildError `PLATFORM_NOT_RUNNABLE` */
async function runnableFor({ platform, range }: RunRequest, context: StepContext): Promise<Runnable> {
  const runnable = await runnableHere(platform);
  if (runnable.kind === 'not') {
    const { cannotRun } = await import('../../emulation/ways-out.ts');
    throw cannotRun(platform, runnable.reason, range);
  }
  if (runnable.kind !== 'native') tellOnce(platform, runnable.emulator, context);
  return runnable;
}

/** Of each build's steps the first says it. */
const told = new WeakMap<AbortSignal, Set<string>>();

function tellOnce(platform: Platform, emulator: string, { signal, notice }: StepContext): void {
  const names = told.get(signal) ?? new Set();
  told.set(signal, names);
  const name = formatPlatform(platform);
  if (names.has(name)) return;
  names.add(name);
  notice(`RUN for ${name} runs emulated by ${emulator}`);
}

async function runCommand(
  { request, runnable, spec }: { readonly request: RunRequest; readonly runnable: Runnable; readonly spec: RunSpec },
  executor: Executor,
  context: StepContext,
): Promise<void> {
  const tail = new OutputTail();
  const take = (stream: 'stdout' | 'stderr') => (chunk: Uint8Array) => {
    tail.add(chunk);
    context.output(stream, chunk);
  };
  const output = { stdout: take('stdout'), stderr: take('stderr') };
  const exitCode = await exitCodeOf({ runnable, spec }, executor, output, context.signal);
  if (exitCode === 0) return;
  const hint = await hintFor(runnable, exitCode, tail);
  throw new BuildError(
    'RUN_FAILED',
    `process "${request.argv.join(' ')}" did not complete successfully: exit code: ${exitCode}`,
    { range: request.range, exitCode, output: tail.lines(), ...(hint === undefined ? {} : { hint }) },
  );
}

async function exitCodeOf(
  { runnable, spec }: { readonly runnable: Runnable; readonly spec: RunSpec },
  executor: Executor,
  output: RunOutput,
  signal: AbortSignal,
): Promise<number> {
  if (runnable.kind === 'native') return (await executor.run(spec, output, signal)).exitCode;
  const { CrashWatch } = await import('../../emulation/crash-watch.ts');
  using watch = new CrashWatch(output);
  const { exitCode } = await executor.run(spec, watch.output, signal, { started: watch.started });
  return watch.exitCode(exitCode);
}

async function hintFor(runnable: Runnable, exitCode: number, tail: OutputTail): Promise<string | undefined> {
  if (runnable.kind === 'native') return undefined;
  const { emulatorCrash } = await import('../../emulation/emulator-crash.ts');
  return emulatorCrash(runnable, exitCode, tail.lines());
}

/** Their values often hold a password, and the arguments of a process can be read by every user of the machine. */
const PROXY = /^(?:https?|ftp|all|no)_proxy$/i;

/** What the command finds in its environment: never anything of the caller's own. */
function environmentFor(
  request: RunRequest,
  identity: Identity,
): { readonly env: readonly string[]; readonly hidden: ReadonlyMap<string, string> } {
  const env: string[] = [];
  const hidden = new Map<string, string>();
  // The image's own settings come later, and win.
  for (const pair of [...request.proxies, ...request.environment]) {
    const name = pair.slice(0, pair.indexOf('='));
    if (PROXY.test(name)) hidden.set(name, pair.slice(name.length + 1));
    else env.push(pair);
  }
  const has = (name: string): boolean => env.some((pair) => pair.startsWith(`${name}=`));
  if (!has('PATH')) env.push(`PATH=${DEFAULT_PATH}`);
  const agent = request.mounts.find((mount) => mount.kind === 'ssh');
  if (agent !== undefined && !has('SSH_AUTH_SOCK')) env.push(`SSH_AUTH_SOCK=${agent.target}`);
  if (!has('HOME')) env.push(`HOME=${identity.home}`);
  return { env, hidden };
}
