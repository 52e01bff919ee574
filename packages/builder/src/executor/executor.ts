import type { Readable } from 'node:stream';
import type { ByteString } from '@tsbuild/oci';
import type { RootMount } from '../disk/root-mount.ts';

/** The values of `--isolation`. */
export type Isolation = 'auto' | 'runc' | 'namespaces' | 'chroot';

/** A line of /etc/hosts. */
export interface HostEntry {
  readonly name: string;
  readonly address: string;
}

/** A file that the sandbox sees in place of what the image has at `target`, bound read-only. */
export interface FileMount {
  /** In the sandbox; already resolved inside the root (no symlink on the way), absolute. */
  readonly target: ByteString;
  /** On the host. */
  readonly source: string;
}

/** What a {@link RunMount} shows. */
export type RunMountSource =
  /** `path` in a filesystem of its own (`''` is all of it); no symlink on the way. What is written to it is dropped. */
  | { readonly kind: 'tree'; readonly root: RootMount; readonly path: ByteString }
  /** A directory or a socket of the host. What is written to it stays. */
  | { readonly kind: 'host'; readonly path: string }
  /** A file that is in memory only: its content never gets to a disk. */
  | {
      readonly kind: 'memory';
      readonly content: Uint8Array;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** Mount an empty tmpfs. */
  | ({ readonly kind: 'tmpfs' } & TmpfsOptions);

/** What a directory in memory is like (tmpfs(5)); what is left out is as the kernel has it. */
export interface TmpfsOptions {
  /** Most bytes. */
  readonly size?: number;
  /** Of the directory itself; 1777 when left out. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Most files. */
  readonly inodes?: number;
  /** No program in it can be started. */
  readonly noExec?: boolean;
}

/** Something that the sandbox sees at `target` while the command runs, and that is no part of the root. */
export interface RunMount {
  /** In the sandbox, absolute; no symlink of the image on the way. */
  readonly target: ByteString;
  /** Whether a file (or a socket) is shown, and not a directory. */
  readonly file: boolean;
  readonly readOnly: boolean;
  readonly source: RunMountSource;
}

/** One resource limit, as getrlimit(2) counts it; -1 is no limit. */
export interface ResourceLimit {
  /** In small letters without prefix: `nofile`. */
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** Numeric identity of the command; names were looked up in the image's own files. */
export interface RunUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** One command to run in a sandbox. */
export interface RunSpec {
  readonly argv: readonly string[];
  /** `KEY=value`, complete: nothing of the caller's own environment is passed on. */
  readonly env: readonly string[];
  /** Absolute; exists in the root. */
  readonly cwd: string;
  readonly user: RunUser;
  readonly root: RootMount;
  readonly files: readonly FileMount[];
  /** Mounted in this order, after the kernel's filesystems and `files`; a later one may lie in an earlier one. */
  readonly mounts?: readonly RunMount[];
  /** Variables whose values no other user of the machine, and no disk, may see; they come on top of `env`. */
  readonly secretEnv?: ReadonlyMap<string, string>;
  /** Bytes of `/dev/shm`; 64 MiB when left out. */
  readonly shmSize?: number;
  readonly limits?: readonly ResourceLimit[];
  /** Capabilities in small letters without prefix (`net_raw`); when left out Docker's set, on the host's network less `net_raw`. */
  readonly capabilities?: readonly string[];
  /** Programs that are set-user-ID or bear capabilities give no more rights. */
  readonly noNewPrivileges?: boolean;
  /** `private` is a network of its own that {@link RunControl.connect} makes reach something. */
  readonly network: 'host' | 'none' | 'private';
  readonly hostname: string;
  /** The command gets a terminal of this size; its output all comes as stdout then. */
  readonly terminal?: TerminalSize;
  /** Nothing of the root can be written to. */
  readonly readOnly?: boolean;
  /**
   * The file of a user namespace below this process's own, with the same ids, that the command enters; its mounts are made outside. What it
   * may do is at most what it may without: its capabilities count for nothing outside of that namespace.
   */
  readonly userNamespace?: string;
}

/** In characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** For a command that somebody talks to while it runs. */
export interface RunControl {
  /** What the command reads from its standard input; without it the input is empty. */
  readonly input?: Readable | undefined;
  /** Called with a function that gives the command's terminal another size. */
  readonly resizable?: (resize: (size: TerminalSize) => Promise<void>) => void;
  /** Called once, when the command's own process is there. */
  readonly started?: (command: RunningCommand) => void;
  /** Connects the `private` network of process `pid`, before the command starts. */
  readonly connect?: (pid: number) => Promise<void>;
}

/** One more command to run beside a running one, in the same sandbox. */
export interface ExecSpec {
  readonly argv: readonly string[];
  /** `KEY=value`, complete. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: RunUser;
  readonly terminal?: TerminalSize;
}

/** A command that runs. */
export interface RunningCommand {
  /** The command's process in this process's pid namespace; it is process 1 of its own. */
  readonly pid: number;
  /** Runs another command in the same sandbox; it ends with the first one at the latest. */
  exec(spec: ExecSpec, output: RunOutput, signal: AbortSignal, control?: RunControl): Promise<RunResult>;
}

/** Where the command's output goes, in the order it comes. What is returned is waited for before more is read. */
export interface RunOutput {
  stdout(chunk: Uint8Array): void | Promise<void>;
  stderr(chunk: Uint8Array): void | Promise<void>;
}

/** How a command ended. A command killed by a signal has exit code 128 + signal number. */
export interface RunResult {
  readonly exitCode: number;
  /** Why the command was never started, in the words that its output has too. */
  readonly startFailure?: string;
  /** The kernel ended a process of it for want of memory; undefined where nothing tells. */
  readonly outOfMemory?: boolean;
}

/**
 * A seam: runs one command in namespaces of its own. Knows no images, no cache, no Dockerfile. The contract suite is
 * `executorContract()` in `testing/`.
 *
 * Everything the command started is gone when `run` settles, and also when this process is killed with SIGKILL; no mount
 * is ever visible outside. Aborting the signal kills the command and rejects with the signal's reason.
 * @throws BuildError `SANDBOX_UNAVAILABLE` when this machine cannot run it, saying what is missing.
 */
export interface Executor {
  readonly name: string;
  /** What others mount is moved into the root: no two commands can have one directory of the host at a time. */
  readonly movesMounts?: boolean;
  run(spec: RunSpec, output: RunOutput, signal: AbortSignal, control?: RunControl): Promise<RunResult>;
}
