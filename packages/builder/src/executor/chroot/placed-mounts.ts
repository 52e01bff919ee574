import {
  chmodSync, chownSync, closeSync, constants, fchmodSync, fchownSync, ftruncateSync, linkSync, lstatSync, mkdirSync, openSync,
  readFileSync, renameSync, statSync, writeFileSync, writeSync,
} from 'node:fs'; // biome-ignore format: one list
import { byteStringToUtf8, utf8ToByteString } from '@tsbuild/oci';
import { errorCode, type Native, type RawPath, rawPath } from '@tsbuild/oci/internal';
import { BuildError } from '../../diagnostics/build-error.ts';
import type { RunMount, RunMountSource, RunSpec } from '../executor.ts';
import { placeDevices } from './devices.ts';
import type { PlacedFiles, Placing } from './placed-files.ts';

/** What {@link placeAll} needs of its surroundings. */
export interface PlaceOptions {
  readonly native: Native;
  readonly notice: (text: string) => void;
}

/** Moves or copies into a root what other executors mount there. */
export function placeAll(placed: PlacedFiles, spec: RunSpec, { native, notice }: PlaceOptions): void {
  // What a command writes there is no more part of its layer than where the kernel's filesystems are mounted.
  for (const path of ['/proc', '/sys']) placed.place(path, directory(0o555, 0, 0));
  placed.place('/dev', { put: (at) => placeDevices(at, native, notice) });
  for (const { target, source } of spec.files) placed.place(target, copied(source));
  const taken = new Set<string>();
  for (const mount of spec.mounts ?? []) {
    if (mount.source.kind === 'host' && !mount.file && taken.size === taken.add(mount.source.path).size) {
      throw notHere('one cache at two places', mount);
    }
    placed.place(mount.target, placingOf(mount));
  }
}

function placingOf(mount: RunMount): Placing {
  const { source } = mount;
  switch (source.kind) {
    case 'memory':
      return secret(source);
    case 'tmpfs':
      return directory(source.mode ?? 0o1777, source.uid ?? 0, source.gid ?? 0);
    case 'host':
      return mount.file ? { put: (at) => link(source.path, at, mount) } : moved(Buffer.from(source.path), mount);
    case 'tree': {
      if (source.root.kind !== 'directory')
        throw new TypeError('--isolation chroot runs commands in whole copies only');
      const from = Buffer.from(source.root.path);
      return moved(source.path === '' ? from : rawPath(from, source.path), mount);
    }
  }
}

function directory(mode: number, uid: number, gid: number): Placing {
  return {
    put: (at) => {
      mkdirSync(at, { mode: 0o700 });
      chownSync(at, uid, gid);
      chmodSync(at, mode);
    },
  };
}

/** A copy of a file of the host, as that is. */
function copied(source: string): Placing {
  return {
    put: (at) => {
      const { mode, uid, gid } = statSync(source);
      writeFileSync(at, readFileSync(source), { flag: 'wx', mode: 0o600 });
      chownSync(at, uid, gid);
      chmodSync(at, mode & 0o777);
    },
  };
}

/** It is the file's content that goes in the end, under whatever name the command may have given it, not its name alone. */
function secret({ content, mode, uid, gid }: Extract<RunMountSource, { kind: 'memory' }>): Placing {
  let file: number | undefined;
  return {
    put: (at) => {
      file = openSync(at, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600);
      for (let done = 0; done < content.length; ) done += writeSync(file, content, done);
      fchownSync(file, uid, gid);
      fchmodSync(file, mode);
    },
    take: () => {
      if (file === undefined) return;
      ftruncateSync(file, 0);
      closeSync(file);
    },
  };
}

/** A directory or file that lies here while the command runs, and is moved back with what that has made of it. */
function moved(from: RawPath, mount: RunMount): Placing {
  return {
    put: (at) => {
      try {
        renameSync(from, at);
      } catch (error) {
        if (errorCode(error) !== 'EXDEV') throw error;
        throw notHere(
          'a mount from another filesystem than the root',
          mount,
          'Put all of the store on one filesystem (--root).',
        );
      }
    },
    take: (at) => {
      const stat = lstatSync(at, { throwIfNoEntry: false });
      // What the command has put in its place is not it.
      if (stat !== undefined && (mount.file ? stat.isFile() : stat.isDirectory())) renameSync(at, from);
    },
  };
}

/** A second name of a socket is as good as the first. */
function link(source: string, at: RawPath, mount: RunMount): void {
  try {
    linkSync(source, at);
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error;
    throw notHere(
      'an SSH agent (type=ssh)',
      mount,
      'Its socket must lie on the filesystem of the store: set TMPDIR to a directory there.',
    );
  }
}

function notHere(what: string, { target }: RunMount, hint?: string): BuildError {
  return new BuildError(
    'SANDBOX_UNAVAILABLE',
    `${what} cannot be had with --isolation chroot: ${byteStringToUtf8(utf8ToByteString(target))}`,
    { hint: hint ?? 'Nothing can be mounted there; leave the mount out, or use another --isolation.' },
  );
}
