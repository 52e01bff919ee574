import type { ByteString } from '@tsbuild/oci';
import type { RootMount } from '../root-mount.ts';

/** A file that the sandbox sees in place of what the image has at `target`, bound read-only. */
export interface FileMount {
  /** In the sandbox; already resolved inside the root (no symlink on the way), absolute. */
  readonly target: ByteString;
  /** On the host. */
  readonly source: string;
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
  readonly network: 'host' | 'none';
  readonly hostname: string;
}

/** Where the command's output goes, in the order it comes. */
export interface RunOutput {
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
}

/** How a command ended. A command killed by a signal has exit code 128 + signal number. */
export interface RunResult {
  readonly exitCode: number;
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
  run(spec: RunSpec, output: RunOutput, signal: AbortSignal): Promise<RunResult>;
}
