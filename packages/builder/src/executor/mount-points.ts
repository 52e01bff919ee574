import { byteStringToUtf8 } from '@tsbuild/oci';
import type { ByteString } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import type { FileMount } from './executor.ts';
import { Stubs } from './stubs.ts';
import type { MountTree } from './stubs.ts';

export type { MountTree } from './stubs.ts';

/** What is to be mounted, by the names the sandbox will use. */
export interface WantedMounts {
  /**
   * Files of the host shown read-only at `path` (absolute), e.g. `/etc/resolv.conf`; symlinks of the image on the way
   * are followed inside the root.
   */
  readonly files: readonly { readonly path: ByteString; readonly source: string }[];
  /** Where else something is to be mounted, in this order. */
  readonly mounts?: readonly WantedMount[];
}

/** A place to mount on. */
export interface WantedMount {
  /** Absolute; symlinks of the image on the way are followed inside the root. */
  readonly path: ByteString;
  /** Whether a file will be mounted, and not a directory. */
  readonly file: boolean;
  /** The filesystem whose `path` will be mounted here: mount points below are made in its writable directory. */
  readonly content?: { readonly tree: MountTree; readonly writable: string; readonly path: ByteString };
}

/** Mount points that are in place. */
export interface MountPoints {
  /** For `RunSpec.files`. */
  readonly files: readonly FileMount[];
  /** For each of the wanted mounts: its place, absolute, free of the image's symlinks. */
  readonly targets: readonly ByteString[];
  /**
   * Removes what was put in place for mounting and is still untouched; call it when the command has ended, before the
   * changes are read.
   */
  cleanup(): void;
}

const KERNEL_DIRECTORIES = ['proc', 'sys', 'dev'] as const;

/**
 * Puts the stubs in place that `/proc`, `/sys`, `/dev` and the wanted files are mounted on. The kernel's directories
 * must be real ones or missing: mounting through an image's symlink is how CVE-2019-19921 and CVE-2026-41579 began.
 * @param writable what `ActiveSnapshot.writable` says
 * @throws BuildError `RUN_FAILED` when the image has a symlink or a file where a directory must be
 * @throws OciError `LAYER_INVALID` when the image's symlinks make a loop
 */
export function prepareMountPoints(tree: MountTree, writable: string, wanted: WantedMounts): MountPoints {
  const stubs = new Stubs(tree, writable);
  try {
    for (const directory of KERNEL_DIRECTORIES) {
      // An existing one needs no copy in the writable layer; the check is what counts.
      if (tree.lookup(directory)?.type !== 'directory') stubs.directory(directory);
    }
    const files = wanted.files.map(({ path, source }) => {
      const resolved = relative(tree.resolveForWrite(relative(path)));
      stubs.file(resolved);
      return { target: `/${resolved}`, source };
    });
    const targets = placesFor(wanted.mounts ?? [], tree, stubs);
    return { files, targets, cleanup: () => stubs.remove() };
  } catch (error) {
    stubs.remove();
    throw error;
  }
}

/** Finds the places of all mounts and makes the stubs for those that lie in the image, or in a mounted filesystem. */
function placesFor(mounts: readonly WantedMount[], tree: MountTree, stubs: Stubs): readonly ByteString[] {
  const placed: { readonly at: ByteString; readonly mount: WantedMount }[] = [];
  for (const mount of mounts) {
    const at = relative(tree.resolveForWrite(relative(mount.path)));
    if (at === '' || /^(?:proc|sys)(?:\/|$)/.test(at)) {
      throw new BuildError('DOCKERFILE_INVALID', `invalid mount target "/${byteStringToUtf8(at)}"`, {
        hint: 'Mount on a directory of the image, not on / or the files of the kernel.',
      });
    }
    const outer = placed.findLast((other) => at.startsWith(`${other.at}/`));
    if (outer === undefined) makeStub(stubs, tree, at, mount.file);
    else if (outer.mount.content !== undefined) {
      const { content } = outer.mount;
      const inner = `${content.path}${at.slice(outer.at.length)}`.replace(/^\/+/, '');
      makeStub(new Stubs(content.tree, content.writable), content.tree, inner, mount.file);
    }
    placed.push({ at, mount });
  }
  return placed.map(({ at }) => `/${at}`);
}

function makeStub(stubs: Stubs, tree: MountTree, path: ByteString, file: boolean): void {
  // What lies in /dev is made when the sandbox has its own.
  if (path.startsWith('dev/')) return;
  if (file) stubs.file(path);
  else if (tree.lookup(path)?.type !== 'directory') stubs.directory(path);
}

/**
 * Makes `path` (a command's working directory) a directory in the writable layer when the image lacks it, owned by root
 * and 0755; what it makes stays and becomes part of the layer.
 * @throws BuildError `RUN_FAILED` when something else is in the way
 */
export function ensureDirectory(tree: MountTree, writable: string, path: ByteString): void {
  const resolved = relative(tree.resolveForWrite(relative(path)));
  // `/proc/self/fd/N` is how a runtime's own open directories were reached (CVE-2024-21626).
  if (/^(?:proc|sys)(?:\/|$)/.test(resolved) && resolved.includes('/')) {
    throw new BuildError('RUN_FAILED', `/${byteStringToUtf8(resolved)} cannot be a working directory`);
  }
  if (tree.lookup(resolved)?.type !== 'directory') new Stubs(tree, writable).directory(resolved);
}

function relative(path: ByteString): ByteString {
  return path.replace(/^\/+|\/+$/g, '');
}
