import { mkdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { temporaryPath } from '@tsbuild/oci/internal';
import { CAPS_TOOL, EXEC_TOOL } from './exec-failure.ts';
import { requireTool } from './host-tools.ts';
import { DEVICES } from './sandbox-mounts.ts';

/** Fixed places that every sandbox of a store uses; nothing in them belongs to one run. */
export interface Scratch {
  /** An empty directory: in each sandbox's own mount namespace the root is mounted here. */
  readonly root: string;
  /** An empty directory: where the kernel's filesystems are mounted before the root is there. */
  readonly kernel: string;
  /** An empty directory: where mounts are made ready (see staged-mounts.ts). */
  readonly stage: string;
  /** What a fresh /dev is filled with: mount points for device nodes and the usual links. */
  readonly dev: string;
  /** An empty directory: where each sandbox of root has device nodes of its own made (see `kernelMounts`). */
  readonly nodes: string;
  /** `unshare` and `setpriv` under names of ours (see exec-failure.ts). */
  readonly exec: string;
  readonly caps: string;
  /** Where the copy of `unshare` is that nobody can read, under the name of {@link exec} (see join/unreadable-tool.ts). */
  readonly fork: string;
}

/** The usual links of a /dev. */
export const DEV_LINKS: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
};

/** Makes what is missing of the fixed places below `directory`; safe among processes. */
export function prepareScratch(directory: string): Scratch {
  const scratch = {
    root: join(directory, 'root'),
    kernel: join(directory, 'kernel'),
    stage: join(directory, 'stage'),
    dev: join(directory, 'dev'),
    nodes: join(directory, 'nodes'),
    exec: join(directory, EXEC_TOOL),
    caps: join(directory, CAPS_TOOL),
    fork: join(directory, 'fork', EXEC_TOOL),
  };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const path of [scratch.root, scratch.kernel, scratch.stage, scratch.nodes, scratch.dev]) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  }
  for (const name of DEVICES) writeFileSync(join(scratch.dev, name), '', { mode: 0o644 });
  for (const [name, target] of Object.entries(DEV_LINKS)) linkTool(join(scratch.dev, name), target);
  linkTool(scratch.exec, requireTool('unshare'));
  linkTool(scratch.caps, requireTool('setpriv'));
  return scratch;
}

/** Makes a symlink to a program, or turns it to another; safe among processes. */
export function linkTool(path: string, target: string): void {
  try {
    if (readlinkSync(path) === target) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const temporary = temporaryPath(dirname(path), basename(path));
  symlinkSync(target, temporary);
  renameSync(temporary, path);
}
