import type { BlobStore } from '@tsbuild/oci';
import type { BuildError } from '../diagnostics/build-error.ts';
import type { Executor, RunControl, RunOutput, TerminalSize } from '../executor/executor.ts';
import type { MountSources } from '../mounts/mount-sources.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import type { ArchivePlaces } from './add/archive.ts';
import type { CopyMemory } from './copy/copy-memory.ts';
import type { EarlierContent } from './copy/earlier-content.ts';
import type { LayerFetcher } from './layer-fetcher.ts';
import type { GitCheckouts, RemoteFiles } from './add/remote-sources.ts';
import type { RootfsTrees } from './rootfs-trees.ts';

/** What commands run in. */
export interface Sandbox {
  readonly snapshotter: Snapshotter;
  readonly executor: Executor;
  /** Makes what a sandbox mounts over the image's files, e.g. `/etc/hosts`. */
  readonly files: SandboxFiles;
}

/** Host paths of the files that every sandbox sees in place of the image's own. */
interface SandboxFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

/** A RUN that failed, while its sandbox can still be had. */
export interface FailedRun {
  readonly error: BuildError;
  /** Runs a shell where the command ran: the files as they were before it, its mounts, environment and user. */
  readonly shell: (session: ShellSession) => Promise<number>;
}

/** Whoever sits at a {@link FailedRun}'s shell. */
export interface ShellSession {
  readonly output: RunOutput;
  readonly control: RunControl;
  readonly terminal?: TerminalSize;
}

/** What the steps work with; the seams arrive as values, the wiring is elsewhere. */
export interface OpDependencies {
  readonly blobs: BlobStore;
  readonly trees: RootfsTrees;
  readonly layers: LayerFetcher;
  /** What earlier builds copied from the context, if that is to be used. */
  readonly earlierCopies?: EarlierContent;
  /** The listings of unchanged copies. */
  readonly copyMemory?: CopyMemory;
  /** For ADD: archives, and what lies on the net. */
  readonly archives: ArchivePlaces;
  readonly downloads: RemoteFiles;
  readonly repositories: GitCheckouts;
  /** What the mounts of RUN take from outside the image. */
  readonly mounts: MountSources;
  /** Made on first use: a fully cached build needs no sandbox. */
  readonly sandbox: () => Promise<Sandbox>;
  /** `SOURCE_DATE_EPOCH`, seconds since 1970: everything new gets no later time. */
  readonly epoch: number | undefined;
  /** Asked when a command failed, before the build ends with its error. */
  readonly onFailedRun?: ((failed: FailedRun) => Promise<void>) | undefined;
}
